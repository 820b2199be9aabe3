//! `migr fmt`: files in the one format.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::args::FmtArguments;
use crate::console::Console;
use crate::disk::text;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::{migr_files_below, shown};
use crate::trusted::{self, LARGEST_SPEC};

/// Brings files into the one layout, or says which are not in it.
pub(crate) fn run(arguments: &FmtArguments, console: Console) -> Result<Exit, Fault> {
    if let [only] = arguments.paths.as_slice()
        && only.as_os_str() == "-"
    {
        return stdin(arguments.check, console);
    }
    let mut different = 0;
    for path in files(&arguments.paths)? {
        let before = read(&path)?;
        let after = formatted(&before, &shown(&path))?;
        if after == before {
            continue;
        }
        different += 1;
        if arguments.check {
            console.result(format_args!("{}\n", shown(&path)));
        } else {
            crate::files::replace(&path, after.as_bytes())?;
            console.news(format_args!("formatted {}", shown(&path)));
        }
    }
    if arguments.check && different > 0 {
        console.news("these files are not in the one layout; `migr fmt` puts them right");
        return Ok(Exit::Findings);
    }
    Ok(Exit::Done)
}

fn stdin(check: bool, console: Console) -> Result<Exit, Fault> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| Fault::failed(format!("cannot read stdin: {error}")))?;
    let before = decoded(bytes, "stdin")?;
    let after = formatted(&before, "stdin")?;
    if check {
        return Ok(if after == before { Exit::Done } else { Exit::Findings });
    }
    console.document(after);
    Ok(Exit::Done)
}

fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Fault> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(migr_files_below(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn read(path: &Path) -> Result<String, Fault> {
    let (folder, name) = (path.parent().unwrap_or_else(|| Path::new("")), path.file_name().unwrap_or_default());
    let bytes = trusted::read(folder, Path::new(name), LARGEST_SPEC)
        .map_err(|error| Fault::usage(format!("cannot read {}: {error}", path.display())))?;
    decoded(bytes, &path.display().to_string())
}

fn decoded(bytes: Vec<u8>, name: &str) -> Result<String, Fault> {
    text(bytes).map_err(|reason| {
        Fault::new(Exit::Findings, format!("cannot read {name}: {reason}")).with_help("it has to be saved as UTF-8")
    })
}

fn formatted(text: &str, name: &str) -> Result<String, Fault> {
    migr_format::format(text)
        .map_err(|error| Fault::failed(format!("{name}: {error}")).with_help("the file is left as it was"))
}
