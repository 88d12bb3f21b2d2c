//! A real toxiproxy between the collector and a server.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{free_ports, http, tools};

/// A running toxiproxy with one proxy; killed when dropped.
pub struct Proxy {
    child: Child,
    api: u16,
    pub port: u16,
}

impl Proxy {
    /// Starts it, on the way to a port of this machine.
    pub async fn start(upstream: u16) -> Self {
        let [api, port] = free_ports();
        let child = Command::new(tools::toxiproxy())
            .args(["-host", "127.0.0.1", "-port", &api.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let proxy = Self { child, api, port };
        let (listen, upstream) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{upstream}"));
        let wanted = json!({"name": "store", "listen": listen, "upstream": upstream, "enabled": true});
        let listening = async {
            while http::send("GET", api, "/version", &[], "").await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), listening).await.expect("toxiproxy listens");
        proxy.ask("POST", "/proxies", &wanted).await;
        proxy
    }

    /// Adds a toxic, which is the only one.
    pub async fn add(&self, kind: &str, stream: &str, attributes: &Value) {
        let toxic = json!({"name": "toxic", "type": kind, "stream": stream, "attributes": attributes});
        self.ask("POST", "/proxies/store/toxics", &toxic).await;
    }

    pub async fn remove(&self) {
        self.ask("DELETE", "/proxies/store/toxics/toxic", &Value::Null).await;
    }

    /// Lets connections through, or cuts all of them.
    pub async fn enable(&self, enabled: bool) {
        self.ask("POST", "/proxies/store", &json!({"enabled": enabled})).await;
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) {
        let answer = http::send(method, self.api, path, &[], body.to_string()).await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {answer:?}");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
