//! Detached signatures of approvals, made and checked by `ssh-keygen`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::exit::Exit;
use crate::fault::Fault;

/// Namespace of the signatures: one of another purpose does not count.
const NAMESPACE: &str = "migr-approval";

/// The signature of a file: `migr.approval.sig`.
pub(crate) fn place(signed: &Path) -> PathBuf {
    let mut name = signed.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    name.push(".sig");
    signed.with_file_name(name)
}

/// Takes the signature of a file away, where there is one.
pub(crate) fn remove(signed: &Path) -> Result<(), Fault> {
    let place = place(signed);
    match std::fs::remove_file(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::failed(format!("cannot remove {}: {error}", place.display())))
        }
        _ => Ok(()),
    }
}

/// Signs a file with a key; asks for its passphrase where it has one.
pub(crate) fn sign(signed: &Path, key: &Path) -> Result<(), Fault> {
    remove(signed)?;
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]).arg(key).arg(signed);
    let output = command.stdout(Stdio::null()).output().map_err(|error| absent(&error))?;
    if output.status.success() && place(signed).exists() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Fault::new(Exit::Failed, format!("ssh-keygen did not sign with {}: {why}", key.display())).with_help(
        "name a private SSH key, or one that the agent holds by its public half; the approval stands unsigned",
    ))
}

/// Name of the key that signed a file, where it is among the allowed ones; else why it does not count.
pub(crate) fn verify(signed: &Path, signers: &Path) -> Result<Result<String, String>, Fault> {
    if !signers.is_file() {
        return Err(Fault::usage(format!("there is no file {} of keys that may sign", signers.display())));
    }
    let signature = place(signed);
    if !signature.is_file() {
        return Ok(Err(format!(
            "only a signed approval counts ({} names who may), and it is not signed",
            signers.display()
        )));
    }
    let found = Command::new("ssh-keygen")
        .args(["-Y", "find-principals", "-f"])
        .arg(signers)
        .arg("-s")
        .arg(&signature)
        .output()
        .map_err(|error| absent(&error))?;
    let principal = String::from_utf8_lossy(&found.stdout).lines().next().unwrap_or_default().trim().to_owned();
    if !found.status.success() || principal.is_empty() {
        return Ok(Err(format!("it is signed by a key that {} does not name", signers.display())));
    }
    let file =
        File::open(signed).map_err(|error| Fault::failed(format!("cannot read {}: {error}", signed.display())))?;
    let checked = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-n", NAMESPACE, "-I", &principal, "-f"])
        .arg(signers)
        .arg("-s")
        .arg(&signature)
        .stdin(Stdio::from(file))
        .output()
        .map_err(|error| absent(&error))?;
    Ok(if checked.status.success() {
        Ok(principal)
    } else {
        Err("its signature is not of this text: the approval was changed after it was signed".to_owned())
    })
}

fn absent(error: &io::Error) -> Fault {
    Fault::failed(format!("ssh-keygen cannot be run: {error}"))
        .with_help("install OpenSSH, or approve without `--sign` and keep no file of allowed signers")
}
