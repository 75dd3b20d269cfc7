//! A headless Chromium, controlled through the DevTools protocol.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// Timeout of every action of a page.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page, stopped on drop.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    last_id: u64,
    events: VecDeque<Value>,
}

impl Browser {
    /// Starts a browser with a new profile in `folder`.
    pub fn start(folder: &Path) -> Self {
        let mut child = Command::new("chromium")
            .args([
                "--headless",
                "--disable-gpu",
                "--no-first-run",
                "--remote-debugging-port=0",
            ])
            // Tests run as any user, also in a container, and load only their own pages.
            .args([
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
            ])
            .arg(format!(
                "--user-data-dir={}",
                folder.join("chromium").display()
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chromium is missing: apt-get install chromium");
        let stderr = child.stderr.take().expect("it is piped");
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let address = lines
            .find_map(|line| Some(line.strip_prefix("DevTools listening on ws://")?.to_owned()))
            .expect("chromium says where it listens");
        // Drains standard error, so that messages of the browser never fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let (host, _) = address.split_once('/').expect("a path");
        let stream = TcpStream::connect(host).expect("chromium listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("it is a socket");
        let (socket, _) =
            tungstenite::client(format!("ws://{address}"), stream).expect("chromium answers");
        Self {
            child,
            socket,
            session: None,
            last_id: 0,
            events: VecDeque::new(),
        }
    }

    /// Opens a new page with this size and language.
    pub fn open(&mut self, (width, height): (u32, u32), language: &str) {
        self.session = None;
        let page = self.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = self.call("Target.attachToTarget", attach);
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let agent = json!({ "userAgent": "test", "acceptLanguage": language });
        self.call("Emulation.setUserAgentOverride", agent);
        self.events.clear();
    }

    /// Opens an address and waits until `condition` (JavaScript) is true.
    pub fn visit(&mut self, address: &str, condition: &str) {
        self.call("Page.navigate", json!({ "url": address }));
        // The previous page may still answer for a moment.
        let here = serde_json::to_string(address).expect("text");
        self.wait(&format!(
            "location.href === {here} && document.readyState === 'complete' && ({condition})"
        ));
    }

    /// Runs a script before those of every page that is opened from now on.
    pub fn run_first(&mut self, script: &str) {
        let script = json!({ "source": script });
        self.call("Page.addScriptToEvaluateOnNewDocument", script);
    }

    /// Returns a cookie of the page, also one that no script can read.
    pub fn cookie(&mut self, name: &str) -> Value {
        let cookies = self.call("Network.getCookies", json!({}));
        let mut cookies = cookies["cookies"].as_array().into_iter().flatten();
        let found = cookies.find(|cookie| cookie["name"] == name);
        found.expect("the page has the cookie").clone()
    }

    /// Sets a copy of a cookie.
    pub fn set_cookie(&mut self, address: &str, cookie: &Value) {
        let cookie = json!({
            "url": address,
            "path": cookie["path"],
            "name": cookie["name"],
            "value": cookie["value"],
        });
        self.call("Network.setCookie", cookie);
    }

    /// Waits until a condition (JavaScript) is true, which is checked at every frame.
    pub fn wait(&mut self, condition: &str) {
        let script = format!(
            "new Promise(done => {{ const look = () => ({condition}) ? done(true) : setTimeout(look, 20); look(); }})"
        );
        // A page that is left cancels the promise.
        let until = Instant::now() + PATIENCE;
        while let Err(error) = self.try_run(&script) {
            assert!(Instant::now() < until, "timed out: {condition}: {error}");
        }
    }

    /// Returns the value of a script; awaits a promise.
    pub fn run(&mut self, script: &str) -> Value {
        self.try_run(script)
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    fn try_run(&mut self, script: &str) -> Result<Value, String> {
        let arguments =
            json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.answer("Runtime.evaluate", arguments)?;
        match answer.get("exceptionDetails") {
            Some(exception) => Err(exception["exception"]["description"].to_string()),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// Presses and releases a key, such as `Tab` or `Enter`.
    pub fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            other => panic!("the key {other} has no code here"),
        };
        for (kind, text) in [("keyDown", text), ("keyUp", "")] {
            let event = json!({
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text,
            });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Types into the focused element.
    pub fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Emulates a medium (`print`, or empty for a screen) and a colour scheme.
    pub fn media(&mut self, media: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "media": media, "features": features }),
        );
    }

    /// Addresses requested since the page was opened.
    pub fn requests(&self) -> Vec<String> {
        let of = |event: &Value| Some(event["params"]["request"]["url"].as_str()?.to_owned());
        self.seen("Network.requestWillBeSent")
            .filter_map(of)
            .collect()
    }

    /// Errors, warnings and exceptions of the page since it was opened.
    pub fn complaints(&self) -> Vec<String> {
        let exceptions = self.seen("Runtime.exceptionThrown");
        let logged = self.seen("Log.entryAdded").filter(|event| {
            matches!(
                event["params"]["entry"]["level"].as_str(),
                Some("error" | "warning")
            )
        });
        let printed = self.seen("Runtime.consoleAPICalled").filter(|event| {
            matches!(
                event["params"]["type"].as_str(),
                Some("error" | "warning" | "assert")
            )
        });
        exceptions
            .chain(logged)
            .chain(printed)
            .map(|event| event["params"].to_string())
            .collect()
    }

    fn seen(&self, method: &'static str) -> impl Iterator<Item = &Value> {
        self.events
            .iter()
            .filter(move |event| event["method"] == method)
    }

    fn call(&mut self, method: &str, arguments: Value) -> Value {
        self.answer(method, arguments)
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn answer(&mut self, method: &str, arguments: Value) -> Result<Value, String> {
        self.last_id += 1;
        let id = self.last_id;
        let mut request = json!({ "id": id, "method": method, "params": arguments });
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let text = request.to_string();
        self.socket
            .send(Message::text(text))
            .expect("chromium listens");
        loop {
            let message = self.socket.read().expect("chromium answers in time");
            let Message::Text(text) = message else {
                continue;
            };
            let mut message: Value = serde_json::from_str(&text).expect("it speaks JSON");
            if message["id"] != id {
                self.events.push_back(message);
            } else if message["error"].is_null() {
                return Ok(message["result"].take());
            } else {
                return Err(message["error"].to_string());
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
