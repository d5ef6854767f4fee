//! Sets the stage: the app, the log-in service, a filled-in configuration, and hallpass in front of it all.

use super::app::App;
use super::curl;
use super::table::Table;
use super::tokens::LogIn;
use hallpass::proxy::Server;
use hallpass::settings::Config;
use hallpass::telemetry::SystemClock;
use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that runs. It ends, and its directory goes, with this value.
pub(crate) struct Stage {
    pub(crate) app: App,
    pub(crate) table: Table,
    /// Taken out when the stage is struck.
    hallpass: Option<Server>,
    address: SocketAddr,
    directory: PathBuf,
    tokens: HashMap<String, String>,
}

impl Stage {
    /// Starts the app and hallpass on free loopback ports.
    pub(crate) fn set() -> Result<Stage, String> {
        let table = Table::read(&source("tour.yaml")?).map_err(|error| format!("tour.yaml: {error}"))?;
        let app = App::start().map_err(|error| format!("cannot start the school app: {error}"))?;
        let log_in = LogIn::new().map_err(|error| format!("cannot make the keys of the log-in: {error}"))?;
        let mut tokens = HashMap::new();
        for (who, _) in &table.people {
            tokens.insert(who.clone(), log_in.token(who)?);
        }

        let directory = Directory::new(app.address())?;
        directory.write("jwks.json", &log_in.jwks())?;
        directory.write("tokens.env", &assignments(&table, &tokens))?;
        directory.copy_policy()?;
        directory.write("hallpass.yaml", &filled_in(&source("hallpass.yaml")?, app.address())?)?;
        let hallpass = start_hallpass(&directory.0.join("hallpass.yaml"))?;
        let address = hallpass.address();
        Ok(Stage { app, table, hallpass: Some(hallpass), address, directory: directory.keep(), tokens })
    }

    /// Where hallpass listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token of somebody in the table; empty for anybody else.
    pub(crate) fn token(&self, who: &str) -> &str {
        self.tokens.get(who).map_or("", String::as_str)
    }

    /// The configuration that hallpass was started from.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.directory.join("hallpass.yaml")
    }

    /// The file that decisions are logged to.
    pub(crate) fn decision_log(&self) -> PathBuf {
        self.directory.join("decisions.log")
    }

    /// The policy in force: a copy, which may be edited while hallpass runs.
    pub(crate) fn policy_directory(&self) -> PathBuf {
        self.directory.join("policy")
    }

    /// The tokens, as a file to `source`.
    pub(crate) fn tokens_file(&self) -> PathBuf {
        self.directory.join("tokens.env")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(hallpass) = self.hallpass.take() {
            hallpass.shutdown();
        }
        // What is left of a temporary directory does no harm.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The whole of what an embedding program needs: read a configuration, start.
fn start_hallpass(configuration: &Path) -> Result<Server, String> {
    let config = Config::load(configuration)?;
    Server::start(config, Arc::new(SystemClock)).map_err(|error| format!("cannot start hallpass: {error}"))
}

/// The directory of this example in the source tree. What is read from there may be edited and needs no new build.
fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/school")
}

/// A file of this example.
fn source(name: &str) -> Result<String, String> {
    let path = home().join(name);
    fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The configuration with what is different on every start. Port 0 asks the operating system for a free one.
fn filled_in(configuration: &str, app: SocketAddr) -> Result<String, String> {
    let values = [
        ("listen: 127.0.0.1:8080", "listen: 127.0.0.1:0".to_owned()),
        ("address: \"127.0.0.1:9000\"", format!("address: \"{app}\"")),
    ];
    values.into_iter().try_fold(configuration.to_owned(), |text, (old, new)| {
        if text.matches(old).count() != 1 {
            return Err(format!("hallpass.yaml: `{old}` must stand there once; this example fills it in"));
        }
        Ok(text.replace(old, &new))
    })
}

/// `ARI=eyJ...`, a line for each token.
fn assignments(table: &Table, tokens: &HashMap<String, String>) -> String {
    let line = |(who, _): &(String, String)| format!("{}={}\n", curl::variable(who), tokens[who]);
    table.people.iter().map(line).collect()
}

/// Makes a directory that only its owner enters.
fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A new directory that only its owner reads, because tokens lie in it. It goes again if the start fails.
struct Directory(PathBuf);

impl Directory {
    fn new(app: SocketAddr) -> Result<Directory, String> {
        // The port is nobody else's while the app runs, so neither is the name.
        let name = format!("hallpass-school-{}-{}", std::process::id(), app.port());
        let path = std::env::temp_dir().join(name);
        make(&path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Directory(path))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.0.join(name);
        let mut options = fs::File::options();
        options.write(true).create_new(true);
        // Nobody else may write it: hallpass refuses what others may write.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// The policy of this example, `policies/district`, into a directory of its own.
    fn copy_policy(&self) -> Result<(), String> {
        let failed = |error| format!("cannot copy the policy: {error}");
        make(&self.0.join("policy")).map_err(failed)?;
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/district");
        for entry in fs::read_dir(policy).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = Path::new("policy").join(entry.file_name());
            let name = name.to_str().ok_or("a file of the policy has a name that is not text")?;
            self.write(name, &fs::read_to_string(entry.path()).map_err(failed)?)?;
        }
        Ok(())
    }

    fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
