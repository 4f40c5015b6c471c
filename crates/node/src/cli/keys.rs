//! `hanse keys`

use super::{quiet_logs, say};
use crate::{
    NodeError,
    development::{DevelopmentWallet, MNEMONIC},
};
use alloy_signer_local::PrivateKeySigner;
use clap::Subcommand;
use std::path::{Path, PathBuf};

/// Keys are kept in Web3 Secret Storage files (keystore version 3), as geth and cast write them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new key and write it, encrypted, to a file in a folder.
    New {
        /// The folder; it is made if it is not there.
        #[arg(long, value_name = "DIR")]
        keystore: PathBuf,
        /// File whose first line is the password.
        #[arg(long, value_name = "FILE", env = "HANSE_PASSWORD_FILE")]
        password_file: PathBuf,
    },
    /// Say the address of a key file.
    Address {
        /// The key file.
        file: PathBuf,
        /// File whose first line is the password.
        #[arg(long, value_name = "FILE", env = "HANSE_PASSWORD_FILE")]
        password_file: PathBuf,
    },
    /// List the well-known accounts of the development chain. Their keys are public.
    Dev,
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    match &args.command {
        Command::New { keystore, password_file } => create(keystore, password_file),
        Command::Address { file, password_file } => {
            let signer = PrivateKeySigner::decrypt_keystore(file, password(password_file)?)
                .map_err(|error| NodeError::Input(format!("{}: {error}", file.display())))?;
            say(&signer.address().to_string());
            Ok(())
        }
        Command::Dev => {
            say(&format!("mnemonic: {MNEMONIC}"));
            for key in DevelopmentWallet::new().keys() {
                say(&format!("{} {:#x}", key.address(), key.to_bytes()));
            }
            Ok(())
        }
    }
}

fn create(keystore: &Path, password_file: &Path) -> Result<(), NodeError> {
    let password = password(password_file)?;
    std::fs::create_dir_all(keystore).map_err(|e| NodeError::file("make", keystore, e))?;
    let (signer, name) =
        PrivateKeySigner::new_keystore(keystore, &mut rand::thread_rng(), password, None)
            .map_err(|error| NodeError::Failed(format!("{}: {error}", keystore.display())))?;
    say(&format!("{} {}", signer.address(), keystore.join(name).display()));
    Ok(())
}

pub(super) fn password(file: &Path) -> Result<String, NodeError> {
    let text = std::fs::read_to_string(file).map_err(|e| NodeError::file("read", file, e))?;
    let password = text.lines().next().unwrap_or_default();
    if password.is_empty() {
        let why = format!("the first line of {} is empty; it must be a password", file.display());
        return Err(NodeError::Input(why));
    }
    Ok(password.to_owned())
}
