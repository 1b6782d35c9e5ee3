//! The law: by its name, from its file, or the default one.

use super::{DeriveError, Notes, Problem};
use crate::law::{self, Law, LawFile};
use crate::plan::{Chosen, Inputs};
use std::borrow::Cow;

pub(super) fn choose(
    chosen: &Chosen,
    inputs: &Inputs,
    notes: &mut Notes,
) -> Result<Cow<'static, Law>, DeriveError> {
    if let Some(path) = &chosen.law.file {
        if let Some(name) = &chosen.law.name {
            let text = format!(
                "the law is `{name}` by its name, and that of `{path}` by its file; leave one out"
            );
            return Err(Problem::Value(text).at("law.file"));
        }
        return from_file(path, inputs).map(Cow::Owned);
    }
    let name = chosen.law.name.as_deref().unwrap_or(law::DEFAULT);
    let law = law::catalogue().find(name).map_err(|e| Problem::from(e).at("law.name"))?;
    if chosen.law.name.is_none() {
        notes.assume("law.name", &law.name, &law.source);
    }
    if law.status != law::Status::Current
        && let Some(note) = &law.note
    {
        notes.remark(format!("{}: {note}", law.name));
    }
    Ok(Cow::Borrowed(law))
}

fn from_file(path: &str, inputs: &Inputs) -> Result<Law, DeriveError> {
    let fault = |text: String| Problem::Value(text).at("law.file");
    match inputs.get(path) {
        Some(Ok(text)) => LawFile::read(text).map(LawFile::law).map_err(|mut error| {
            error.message = format!("`{path}`{}", error.message);
            Problem::LawFile(Box::new(error)).at("law.file")
        }),
        Some(Err(why)) => Err(fault(format!("cannot read `{path}`: {why}"))),
        None => Err(fault(format!("the law file `{path}` was not given"))),
    }
}
