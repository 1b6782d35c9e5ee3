//! Which column is what.

use super::ReadRunsError;
use crate::fact;
use csv::StringRecord;

/// What a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// N.
    Params,
    /// D.
    Tokens,
    /// kND.
    Flops,
    /// Nats per token.
    Loss,
    /// How much a run counts.
    Weight,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Params, Self::Tokens, Self::Flops, Self::Loss, Self::Weight];

    /// The id that flags use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Params => "params",
            Self::Tokens => "tokens",
            Self::Flops => "flops",
            Self::Loss => "loss",
            Self::Weight => "weight",
        }
    }

    /// In words.
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::Params => "the size of the models, N",
            Self::Tokens => "the training tokens, D",
            Self::Flops => "the compute, FLOP",
            Self::Loss => "the loss",
            Self::Weight => "the weight of a run",
        }
    }

    /// Names that columns commonly have, lower case and without what is no letter or digit.
    fn common(self) -> &'static [&'static str] {
        match self {
            Self::Params => &[
                "params",
                "param",
                "parameters",
                "n",
                "nparams",
                "numparams",
                "modelparams",
                "modelsize",
                "size",
                "totalparams",
                "paramcount",
            ],
            Self::Tokens => &[
                "tokens",
                "token",
                "d",
                "ntokens",
                "numtokens",
                "traintokens",
                "trainingtokens",
                "totaltokens",
                "datasize",
            ],
            Self::Flops => &[
                "flops",
                "flop",
                "c",
                "compute",
                "trainingflop",
                "trainingflops",
                "trainflops",
                "totalflops",
                "computeflops",
                "computeflop",
            ],
            Self::Loss => &[
                "loss",
                "l",
                "valloss",
                "validationloss",
                "evalloss",
                "testloss",
                "finalloss",
                "trainloss",
                "trainingloss",
            ],
            Self::Weight => &["weight", "weights", "w"],
        }
    }
}

/// The columns of a file that are read, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    found: Vec<(Role, usize, String)>,
}

impl Columns {
    /// The column of a role.
    #[must_use]
    pub fn of(&self, role: Role) -> Option<usize> {
        self.found.iter().find(|(own, ..)| *own == role).map(|(_, column, _)| *column)
    }

    /// Each role with the name of its column.
    pub fn iter(&self) -> impl Iterator<Item = (Role, &str)> {
        self.found.iter().map(|(role, _, name)| (*role, name.as_str()))
    }

    /// Columns that were named, and for the other roles those with a common name.
    pub(super) fn find(
        header: &StringRecord,
        mapped: &[(Role, String)],
    ) -> Result<Self, ReadRunsError> {
        let mut found = Vec::new();
        for role in Role::ALL {
            let column = match mapped.iter().rev().find(|(own, _)| *own == role) {
                Some((_, name)) => Some(named(header, name)?),
                None => recognised(header, role, mapped)?,
            };
            found.extend(column.map(|column| (role, column, header[column].to_owned())));
        }
        let columns = Self { found };
        let needed = |role| (role, columns.of(role).is_none());
        let either = columns.of(Role::Tokens).is_none() && columns.of(Role::Flops).is_none();
        let needed = [needed(Role::Params), (Role::Tokens, either), needed(Role::Loss)];
        match needed.into_iter().find(|(_, missing)| *missing) {
            Some((role, _)) => Err(missing(header, role)),
            None => Ok(columns),
        }
    }
}

/// The column of a name, to the letter or else without regard to case.
pub(super) fn named(header: &StringRecord, name: &str) -> Result<usize, ReadRunsError> {
    let matching = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        header.iter().enumerate().filter(|(_, own)| same(own)).map(|(column, _)| column).collect()
    };
    let mut columns = matching(&|own| own == name);
    if columns.is_empty() {
        columns = matching(&|own| own.eq_ignore_ascii_case(name));
    }
    match columns.as_slice() {
        [one] => Ok(*one),
        [] => Err(ReadRunsError::Unknown {
            name: name.to_owned(),
            nearest: fact::nearest(name, header.iter()),
            header: header.iter().map(str::to_owned).collect(),
        }),
        _ => Err(ReadRunsError::Twice { name: name.to_owned() }),
    }
}

/// The column with a common name of a role; the role's own name beats the others.
fn recognised(
    header: &StringRecord,
    role: Role,
    mapped: &[(Role, String)],
) -> Result<Option<usize>, ReadRunsError> {
    let plain = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let taken = |name: &str| mapped.iter().any(|(_, own)| own == name);
    let mut could = Vec::new();
    for (column, name) in header.iter().enumerate().filter(|(_, name)| !taken(name)) {
        let plain = plain(name);
        if plain == role.name() {
            could.insert(0, (column, true));
        } else if role.common().contains(&plain.as_str()) {
            could.push((column, false));
        }
    }
    match could.as_slice() {
        [] => Ok(None),
        [(column, _)] | [(column, true), (_, false), ..] => Ok(Some(*column)),
        many => Err(ReadRunsError::Ambiguous {
            role,
            names: many.iter().map(|(column, _)| header[*column].to_owned()).collect(),
        }),
    }
}

fn missing(header: &StringRecord, role: Role) -> ReadRunsError {
    let mut nearest: Vec<String> = Vec::new();
    for common in role.common().iter().filter(|name| name.len() > 2) {
        for name in fact::nearest(common, header.iter()) {
            if !nearest.contains(&name) && nearest.len() < 3 {
                nearest.push(name);
            }
        }
    }
    ReadRunsError::Missing { role, nearest, header: header.iter().map(str::to_owned).collect() }
}
