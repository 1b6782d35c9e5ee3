//! Reading and writing files without losing one.

pub mod search;

use anyhow::{Context as _, Result, bail};
use plan::plan::{Chosen, Inputs};
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

/// Largest file that can be a plan.
const LARGEST: u64 = 16 << 20;

/// Reads a plan's bytes; `-` is standard input.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if is_stdin(path) {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes).context("standard input")?;
    } else {
        let length = refuse_odd(path)?;
        // one byte more, so that the end is seen without growing
        bytes.reserve_exact(usize::try_from(length.min(LARGEST)).unwrap_or(0) + 1);
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read {}", path.display()))?;
    }
    if bytes.len() as u64 > LARGEST {
        bail!("{} is larger than 16 MiB", path.display());
    }
    Ok(bytes)
}

/// A file as a stream, for data of any size; `-` is standard input.
pub fn stream(path: &Path) -> Result<Box<dyn Read>> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let failed = || format!("cannot read {}", path.display());
    let metadata = fs::metadata(path).with_context(failed)?;
    if metadata.is_dir() {
        bail!("{} is a folder; a file is needed", path.display());
    }
    if is_device(&metadata) {
        bail!("{} is a device, not a file (`-` is standard input)", path.display());
    }
    Ok(Box::new(File::open(path).with_context(failed)?))
}

/// The path to a file from the folder of a plan, so that the plan finds it.
pub fn from_plan(file: &str, plan: &Path) -> String {
    let folder = match plan.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !is_stdin(plan) => folder,
        _ => return file.to_owned(),
    };
    let (Ok(to), Ok(folder)) = (fs::canonicalize(file), fs::canonicalize(folder)) else {
        return file.to_owned();
    };
    let common = to.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(common).map(|_| std::path::Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(common)).collect();
    path.to_string_lossy().replace('\\', "/")
}

/// The files that a plan names, from its folder; those that cannot be read say why.
pub fn inputs(plan: &Path, chosen: &Chosen) -> Inputs {
    let folder =
        if is_stdin(plan) { Path::new("") } else { plan.parent().unwrap_or(Path::new("")) };
    let text = |path: &str| -> Result<String, String> {
        let path = folder.join(path);
        if is_pipe(&path) {
            return Err("it is a pipe, not a file".to_owned());
        }
        let bytes = read(&path).map_err(|error| format!("{:#}", error.root_cause()))?;
        String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
    };
    plan::plan::inputs(chosen).into_iter().map(|(_, path)| (path.clone(), text(&path))).collect()
}

/// The name under which a file is spoken of.
pub fn name(path: &Path) -> String {
    if is_stdin(path) { "<stdin>".to_owned() } else { path.display().to_string() }
}

pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether a path leads to a pipe, which waits until somebody writes; such as a shell makes for
/// `<(…)` are read where they are named themselves.
#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}

/// Refuses what is no file to read; else its length, as far as the system tells.
fn refuse_odd(path: &Path) -> Result<u64> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if metadata.is_dir() {
        bail!("{} is a folder; a file is needed", path.display());
    }
    if is_device(&metadata) {
        bail!("{} is a device, not a file (`-` is standard input)", path.display());
    }
    if metadata.len() > LARGEST {
        let size = metadata.len() >> 20;
        bail!("{} has {size} MiB; at most 16 MiB are read", path.display());
    }
    Ok(metadata.len())
}

#[cfg(unix)]
fn is_device(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    kind.is_char_device() || kind.is_block_device() || kind.is_socket()
}

#[cfg(not(unix))]
fn is_device(metadata: &fs::Metadata) -> bool {
    !metadata.is_file()
}

/// Writes a file by way of a temporary one beside it, so that a killed write leaves the old file
/// whole. An existing file is replaced only with `force`, and never where it is read-only.
pub fn write(path: &Path, text: &str, force: bool) -> Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(&target).ok();
    if let Some(old) = &old {
        if old.is_dir() {
            bail!("{} is a folder; -o needs a file", path.display());
        }
        if !force {
            bail!("{} exists; --force replaces it", path.display());
        }
        if !old.is_file() {
            bail!("{} is not a regular file", path.display());
        }
        if old.permissions().readonly() {
            bail!("{} is read-only", path.display());
        }
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = || format!("cannot write {}", path.display());
    let mut temporary = temporary(folder, old.as_ref()).with_context(failed)?;
    temporary.write_all(text.as_bytes()).with_context(failed)?;
    temporary.as_file().sync_all().with_context(failed)?;
    temporary.persist(&target).with_context(failed)?;
    Ok(())
}

/// A temporary file with the permissions that the written file shall have.
fn temporary(folder: &Path, old: Option<&fs::Metadata>) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".llmplan-").suffix(".tmp");
    #[cfg(unix)]
    if old.is_none() {
        use std::os::unix::fs::PermissionsExt as _;
        // less the umask, as for any new file
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(folder)?;
    if let Some(old) = old {
        file.as_file().set_permissions(old.permissions())?;
    }
    Ok(file)
}

/// The `#:schema` line for a plan at `path`, where the schema file lies in its folder or above.
pub fn schema_line(path: &Path) -> Option<String> {
    const NAME: &str = "llmplan.schema.json";
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = fs::canonicalize(folder).ok()?;
    let above = folder.ancestors().position(|folder| folder.join(NAME).is_file())?;
    let up = if above == 0 { "./".to_owned() } else { "../".repeat(above) };
    Some(format!("#:schema {up}{NAME}\n"))
}
