//! Finding plans, their older versions, and the policy above them.

use super::{is_pipe, is_stdin};
use anyhow::{Context as _, Result, anyhow, bail};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The name of a policy file.
pub const POLICY: &str = "llmplan.toml";

/// A plan that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where it lies.
    pub path: PathBuf,
    /// Its path in the folder through which it was found; its name where it was named itself.
    pub within: PathBuf,
}

/// The plans among paths: files as they are, folders searched for `*.toml`, in sorted order. What
/// cannot be searched is told, and the rest is found.
pub fn plans(paths: &[PathBuf]) -> Vec<Result<Found, (PathBuf, anyhow::Error)>> {
    let mut found = Vec::new();
    for path in paths {
        if is_stdin(path) || !path.is_dir() {
            let within = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
            found.push(Ok(Found { path: path.clone(), within }));
            continue;
        }
        let before = found.len();
        search(path, path, &mut found);
        if found.len() == before {
            found.push(Err((path.clone(), anyhow!("{} holds no *.toml file", path.display()))));
        }
    }
    found
}

/// Folders behind symbolic links are not entered, so that no loop is.
fn search(root: &Path, folder: &Path, found: &mut Vec<Result<Found, (PathBuf, anyhow::Error)>>) {
    let entries = match entries(folder) {
        Ok(entries) => entries,
        Err(error) => return found.push(Err((folder.to_owned(), error))),
    };
    for (path, kind) in entries {
        if kind == Kind::Folder {
            search(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml")
            && path.file_name().is_none_or(|name| name != POLICY)
        {
            if kind == Kind::Odd && is_pipe(&path) {
                let error = anyhow!("{} is a pipe; name it itself to have it read", path.display());
                found.push(Err((path, error)));
                continue;
            }
            let within = path.strip_prefix(root).unwrap_or(&path).to_owned();
            found.push(Ok(Found { path, within }));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    /// A link, a pipe, a device.
    Odd,
}

/// What lies in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, Kind)>> {
    let failed = || format!("cannot read {}", folder.display());
    let entries = fs::read_dir(folder).with_context(failed)?;
    let mut entries = entries.collect::<io::Result<Vec<_>>>().with_context(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let typed = entries.into_iter().map(|entry| {
        let kind = entry.file_type().with_context(failed)?;
        let kind = match () {
            () if kind.is_dir() => Kind::Folder,
            () if kind.is_file() => Kind::File,
            () => Kind::Odd,
        };
        Ok((entry.path(), kind))
    });
    typed.collect()
}

/// The older version of a plan: `old` itself, or in that folder the file at the plan's own path, or
/// at its path in the folder through which it was found. `None` where the plan is new.
pub fn older(plan: &Found, old: &Path) -> Option<PathBuf> {
    if !old.is_dir() {
        return Some(old.to_owned());
    }
    let own = plan.path.is_relative().then(|| old.join(&plan.path));
    own.into_iter().chain([old.join(&plan.within)]).find(|path| path.is_file())
}

/// The nearest policy upwards from a folder; a repository's root is the last folder looked into.
pub fn policy(folder: &Path) -> Option<PathBuf> {
    let start = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let whole = fs::canonicalize(start).ok()?;
    for above in whole.ancestors() {
        let path = above.join(POLICY);
        if path.is_file() {
            return Some(from_here(&path).unwrap_or(path));
        }
        if above.join(".git").exists() {
            return None;
        }
    }
    None
}

/// A path as it is from the working folder, so that no output depends on where that lies; `None`
/// where it is neither below that nor beside one of its parents.
fn from_here(path: &Path) -> Option<PathBuf> {
    let here = fs::canonicalize(".").ok()?;
    let folder = path.parent()?;
    if let Ok(below) = path.strip_prefix(&here) {
        return Some(below.to_owned());
    }
    let up = here.ancestors().position(|above| above == folder)?;
    Some(std::iter::repeat_n("..", up).collect::<PathBuf>().join(path.file_name()?))
}

/// Refuses to hold many plans against one older file.
pub fn refuse_many(plans: usize, old: &Path) -> Result<()> {
    if plans > 1 && !old.is_dir() {
        bail!("--against {} is one file, but {plans} plans are checked", old.display());
    }
    if !old.exists() {
        bail!("--against {} does not exist", old.display());
    }
    Ok(())
}
