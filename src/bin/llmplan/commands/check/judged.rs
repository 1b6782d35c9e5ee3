//! One plan: read, judged, and held against its older version.

use super::policies::Policies;
use crate::args::Check;
use crate::files;
use crate::files::search::{self, Found};
use anyhow::Result;
use plan::check::{Checked, Levels, Settings, check_under, worse};
use plan::report::Diagnosed;
use std::path::{Path, PathBuf};

/// A plan that was judged.
pub struct Judged {
    pub diagnosed: Diagnosed,
    /// Its text, where something was found in it.
    pub text: String,
    /// The policy that it is under.
    pub policy: Option<String>,
}

/// What all plans are judged by.
pub struct Judge {
    policies: Policies,
    against: Option<PathBuf>,
}

impl Judge {
    pub fn new(arguments: &Check, levels: Levels) -> Self {
        let base = Settings { levels, strict: arguments.strict, ..Settings::default() };
        let policies = Policies::new(&arguments.policy, base);
        Self { policies, against: arguments.against.clone() }
    }

    /// What is wrong with the policies themselves.
    pub fn faults(&self) -> Vec<String> {
        self.policies.faults()
    }

    pub fn judge(&self, found: &Found) -> Result<Judged> {
        let under = self.policies.of(&found.path)?;
        let bytes = files::read(&found.path)?;
        let mut checked = checked(&under.settings, &found.path, &bytes);
        let mut known = 0;
        if let Some(old) = &self.against
            && let Some(older) = search::older(found, old)
        {
            let before = self::checked(&under.settings, &older, &files::read(&older)?);
            if checked.readable && before.readable {
                let (new, same) = worse(std::mem::take(&mut checked.findings), &before.findings);
                (checked.findings, known) = (new, same.len());
            }
        }
        let spoken = !checked.findings.is_empty() || !checked.allowed.is_empty();
        let text =
            if spoken { String::from_utf8_lossy(&bytes).into_owned() } else { String::new() };
        let diagnosed =
            Diagnosed { known, ..Diagnosed::new(files::name(&found.path), &text, checked) };
        Ok(Judged { diagnosed, text, policy: under.name.clone() })
    }
}

fn checked(settings: &Settings, path: &Path, bytes: &[u8]) -> Checked {
    check_under(settings, bytes, |chosen| files::inputs(path, chosen))
}
