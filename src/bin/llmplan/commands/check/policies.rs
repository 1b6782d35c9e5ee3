//! The policy that each plan is under, each read once.

use crate::args::PolicyFlags;
use crate::files::{self, search};
use anyhow::{Result, anyhow};
use plan::check::{Finding, Label, Level, Policy, Settings};
use plan::report::diagnostics;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The settings that a plan is judged by, and the policy that they are from.
pub struct Under {
    pub settings: Settings,
    pub name: Option<String>,
}

type Read = Result<Arc<Under>, String>;

pub struct Policies {
    base: Arc<Under>,
    stated: Option<PathBuf>,
    isolated: bool,
    /// By folder, so that ten thousand plans do not look ten thousand times.
    folders: Mutex<HashMap<PathBuf, Read>>,
    /// What is wrong with policies, by their path.
    faults: Mutex<BTreeMap<PathBuf, String>>,
}

impl Policies {
    pub fn new(flags: &PolicyFlags, base: Settings) -> Self {
        Self {
            base: Arc::new(Under { settings: base, name: None }),
            stated: flags.config.clone(),
            isolated: flags.isolated,
            folders: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    /// The settings for a plan; a faulty policy judges nothing.
    pub fn of(&self, plan: &Path) -> Result<Arc<Under>> {
        if self.isolated {
            return Ok(Arc::clone(&self.base));
        }
        let folder = match (&self.stated, plan.parent()) {
            (None, Some(parent)) if !files::is_stdin(plan) => parent,
            _ => Path::new(""),
        };
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let known = folders.get(folder).cloned();
        let read = known.unwrap_or_else(|| {
            let path = self.stated.clone().or_else(|| search::policy(folder));
            let read = path.map_or_else(|| Ok(Arc::clone(&self.base)), |path| self.read(&path));
            folders.insert(folder.to_owned(), read.clone());
            read
        });
        read.map_err(|fault| anyhow!("{}: not checked, {fault}", files::name(plan)))
    }

    /// What is wrong with the policies that were read, with carets, by their path.
    pub fn faults(&self) -> Vec<String> {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.values().cloned().collect()
    }

    fn read(&self, path: &Path) -> Read {
        let bytes = files::read(path).map_err(|error| format!("{error:#}"))?;
        let policy = Policy::read(&bytes).map_err(|fault| {
            let label = Label { span: fault.span.clone(), ..Label::default() };
            let mut finding = Finding::new(fault.message.clone());
            (finding.rule, finding.level, finding.help) = ("policy", Level::Error, fault.help);
            finding.labels.push(label);
            let text = String::from_utf8_lossy(&bytes);
            let shown = diagnostics(&files::name(path), &text, &[finding], 80);
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            faults.insert(path.to_owned(), shown.trim_end().to_owned());
            format!("{} has a fault", files::name(path))
        })?;
        let settings = Settings { policy, ..self.base.settings.clone() };
        Ok(Arc::new(Under { settings, name: Some(files::name(path)) }))
    }
}
