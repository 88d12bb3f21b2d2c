//! A program with an exporter of a third party that can never take some records: they become dead letters, and what
//! becomes of those. This test starts itself as that program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use spanledger_component::{
    Batch, Context, Delivery, Error, ExportError, Exporter, ExporterFactory, Plan, Retry, Rows, Signal,
    Stability,
};
use spanledger_schema::{Table as _, spans};

const AS_PROGRAM: &str = "SPANLEDGER_TEST_AS_PROGRAM";

const CONFIG: &str = "
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:HTTP'}}}}
exporters: {picky: PICKY}
extensions: {admin: {endpoint: '127.0.0.1:ADMIN'}}
service:
  extensions: [admin]
  telemetry: {metrics: {address: '127.0.0.1:OWN'}}
  pipelines: {PIPELINE: {receivers: [otlp], exporters: [picky]}}
";

fn main() -> ExitCode {
    if std::env::var_os(AS_PROGRAM).is_some() {
        return spanledger::main(spanledger::components::built_in().with_exporter::<Picky>());
    }
    a_letter_is_listed_and_shown_and_delivered_once_the_exporter_was_mended();
    a_letter_is_tried_again_by_a_start_with_other_pipelines();
    a_letter_that_is_dropped_is_gone_and_accounted_for();
    an_outage_makes_no_letter();
    ExitCode::SUCCESS
}

fn a_letter_is_listed_and_shown_and_delivered_once_the_exporter_was_mended() {
    let folder = tempfile::tempdir().unwrap();
    let program = with_letter(folder.path());
    let listed: Value =
        serde_json::from_str(&program.verb(&["dead-letters", "list", "--json"]).said()).unwrap();
    let [letter] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    let position = letter["position"].to_string();
    let show = ["dead-letters", "show", "picky", position.as_str()];
    let shown = program.verb(&show).said();
    let line = |name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        line.unwrap_or_else(|| panic!("{name:?} is not in\n{shown}")).to_owned()
    };
    assert_eq!([line("branch"), line("position")], ["picky", &position]);
    assert_eq!(line("reason"), "spans named bad are refused");
    assert_eq!(line("by version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(line("with config"), letter["config"].as_str().unwrap());
    assert!(line("received").ends_with("Z by otlp"), "{shown}");
    assert_eq!(line("holds"), "2 spans");
    let content = folder.path().join(letter["file"].as_str().unwrap());
    let bytes = fs::metadata(&content).unwrap().len();
    assert_eq!(
        line("content"),
        format!("{} ({bytes} bytes of OTLP protobuf)", letter["file"].as_str().unwrap())
    );
    let json: Value = serde_json::from_str(&program.verb(&[&show[..], &["--json"]].concat()).said()).unwrap();
    assert_eq!(&json, letter);
    let unknown = program.verb(&["dead-letters", "show", "picky", "999"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("picky has no dead letter of position 999"), "{unknown:?}");

    assert_eq!(program.verb(&["dead-letters", "replay"]).status.code(), Some(1), "it is refused still");
    let program = program.stop().start("{}", "traces");
    assert_eq!(
        program.metric("spanledger_branch_dead_lettered_items"),
        2,
        "nothing was tried: the pipelines are the same"
    );
    let said = program.verb(&["dead-letters", "replay"]).said();
    assert_eq!(said, format!("picky: position {position} was delivered\n"));
    assert_eq!(program.taken(), ["fine", "also fine", "bad", "beside"]);
    program.assert_accounts(4, 0, 0);
    assert!(program.log().contains("dead letter was delivered after all"), "{}", program.log());
}

fn a_letter_is_tried_again_by_a_start_with_other_pipelines() {
    let folder = tempfile::tempdir().unwrap();
    let program = with_letter(folder.path()).stop().start("{}", "traces/renamed");
    program.wait_for("dead letter was delivered after all");
    program.flush(200);
    assert_eq!(program.taken(), ["fine", "also fine", "bad", "beside"]);
    program.assert_accounts(4, 0, 0);
    assert_eq!(program.verb(&["dead-letters"]).said(), "there are no dead letters\n");
}

fn a_letter_that_is_dropped_is_gone_and_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let program = with_letter(folder.path());
    assert!(program.verb(&["dead-letters", "drop", "picky"]).said().ends_with(" was given up\n"));
    assert_eq!(program.verb(&["dead-letters"]).said(), "there are no dead letters\n");
    program.assert_accounts(2, 0, 2);
    assert!(program.log().contains("dead letter was given up for good"), "{}", program.log());
    let program = program.stop().start("{}", "traces/renamed");
    program.flush(200);
    program.assert_accounts(2, 0, 2);
    assert_eq!(program.taken(), ["fine", "also fine"]);
}

fn an_outage_makes_no_letter() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::new(folder.path()).start("{is_away: true}", "traces");
    program.send(&["fine"]);
    program.flush(504);
    assert_eq!(program.verb(&["dead-letters"]).said(), "there are no dead letters\n");
    let program = program.stop().start("{}", "traces");
    program.flush(200);
    assert_eq!(program.taken(), ["fine"]);
    program.assert_accounts(1, 0, 0);
}

/// A program that runs, with one dead letter of two spans among two that were delivered.
fn with_letter(folder: &Path) -> Program {
    let program = Program::new(folder).start("{refuses: bad}", "traces");
    for names in [&["fine"][..], &["bad", "beside"], &["also fine"]] {
        program.send(names);
    }
    program.flush(200);
    assert_eq!(program.taken(), ["fine", "also fine"]);
    assert!(
        program.log().contains("record cannot be delivered and went to the dead letters"),
        "{}",
        program.log()
    );
    program.assert_accounts(2, 2, 0);
    program
}

/// This test as a collector, in a folder, with its ports.
struct Program {
    folder: PathBuf,
    ports: [u16; 3],
    running: Option<Child>,
}

impl Program {
    fn new(folder: &Path) -> Self {
        let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = listeners.each_ref().map(|listener| listener.local_addr().unwrap().port());
        Self { folder: folder.to_owned(), ports, running: None }
    }

    fn start(mut self, picky: &str, pipeline: &str) -> Self {
        let [http, admin, own] = self.ports.map(|port| port.to_string());
        let config = CONFIG.replace("HTTP", &http).replace("ADMIN", &admin).replace("OWN", &own);
        let config = config.replace("PICKY", picky).replace("PIPELINE", pipeline);
        let mut command = self.command(&["--config", &format!("yaml:{config}")]);
        let log = File::create(self.folder.join("log")).unwrap();
        self.running = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        self.wait_for("Everything is ready");
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(arguments).env(AS_PROGRAM, "1").current_dir(&self.folder);
        command
    }

    fn stop(mut self) -> Self {
        let mut running = self.running.take().unwrap();
        let pid = rustix::process::Pid::from_child(&running);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(running.wait().unwrap().success());
        self
    }

    fn verb(&self, verb: &[&str]) -> Output {
        let admin = format!("127.0.0.1:{}", self.ports[1]);
        self.command(verb).args(["--admin", &admin]).output().unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }

    fn wait_for(&self, said: &str) {
        while !self.log().contains(said) {
            std::thread::yield_now();
        }
    }

    /// Sends a request with a span of each name.
    fn send(&self, names: &[&str]) {
        let spans = names.iter().enumerate().map(|(number, name)| {
            let (trace, span) = (number + 1, number + 1);
            format!(r#"{{"traceId":"{trace:032x}","spanId":"{span:016x}","name":"{name}","startTimeUnixNano":"1","endTimeUnixNano":"2"}}"#)
        });
        let spans = spans.collect::<Vec<_>>().join(",");
        let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#);
        assert_eq!(exchange(self.ports[0], "POST", "/v1/traces", &body).0, 200);
    }

    fn flush(&self, status: u16) {
        let timeout = if status == 200 { "60s" } else { "300ms" };
        let answer = exchange(self.ports[1], "PUT", &format!("/flush?timeout={timeout}"), "");
        assert_eq!(answer.0, status, "{}", answer.1);
    }

    /// The spans that the exporter took, in their order.
    fn taken(&self) -> Vec<String> {
        let taken = fs::read_to_string(self.folder.join("taken")).unwrap_or_default();
        taken.lines().map(str::to_owned).collect()
    }

    /// The value of a metric of the branch.
    fn metric(&self, name: &str) -> u64 {
        let (_, page) = exchange(self.ports[2], "GET", "/metrics", "");
        let line = page.lines().find(|line| line.starts_with(name) && line.contains("picky"));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("{name}:\n{page}"))
    }

    fn assert_accounts(&self, delivered: u64, dead_lettered: u64, dropped: u64) {
        let names = ["delivered_items", "dead_lettered_items", "dropped_items", "dead_letters"];
        let figures = names.map(|name| self.metric(&format!("spanledger_branch_{name}")));
        assert_eq!(figures, [delivered, dead_lettered, dropped, u64::from(dead_lettered > 0)]);
        assert_eq!(self.metric("spanledger_ledger_imbalance"), 0);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            let _ = running.kill();
            let _ = running.wait();
        }
    }
}

trait Said {
    /// What it printed, when it ended well.
    fn said(self) -> String;
}

impl Said for Output {
    fn said(self) -> String {
        assert!(self.status.success(), "{self:?}");
        text(&self.stdout)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Status and body of an answer.
fn exchange(port: u16, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// An exporter that appends the names of spans to a file, but for those of one name.
struct Picky(Config);

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    refuses: String,
    is_away: bool,
}

impl ExporterFactory for Picky {
    const TYPE: &'static str = "picky";
    const SIGNALS: &'static [Signal] = &[Signal::Traces];
    const STABILITY: Stability = Stability::Alpha;
    type Config = Config;

    fn build(config: &Config, _: &Context) -> Result<Box<dyn Exporter>, Error> {
        Ok(Box::new(Self(config.clone())))
    }
}

#[async_trait]
impl Exporter for Picky {
    async fn export(&mut self, batch: &Batch) -> Result<(), ExportError> {
        if self.0.is_away {
            return Err(Retry::transient(Error::new("the target is away")).into());
        }
        let mut lines = String::new();
        for rows in &batch.rows {
            let Rows::Spans(rows) = rows else { continue };
            for name in rows.get(spans::NAME).iter().flatten() {
                if name == self.0.refuses {
                    let source = Error::new(format!("spans named {name} are refused"));
                    return Err(ExportError::Reject { source });
                }
                lines = format!("{lines}{name}\n");
            }
        }
        let taken = OpenOptions::new().create(true).append(true).open("taken");
        let written = taken.and_then(|mut taken| taken.write_all(lines.as_bytes()));
        written.map_err(|error| Retry::alarm(Error::caused("write ./taken", error)).into())
    }

    fn seal(&mut self, _: &Plan) -> Result<Box<dyn Delivery>, ExportError> {
        Err(ExportError::Reject { source: Error::new("nothing is held") })
    }

    fn abandon(&mut self) {}
}
