//! The service: what it answers, that it is alone on its data, how it starts and stops.

use std::{fs, os::unix::net::UnixDatagram, time::Duration};

use serde_json::Value;

use crate::{
    book::Book,
    produce::PLAY,
    studio::{Running, Studio, block, until},
};

/// A studio that serves.
pub struct Service {
    pub running: Running,
    pub address: String,
    systemd: UnixDatagram,
}

impl Service {
    /// Starts it and waits until it says that it is ready.
    pub fn start(studio: &Studio) -> Self {
        let socket = studio.path("notify.sock");
        let _ = fs::remove_file(&socket);
        let systemd = UnixDatagram::bind(&socket).unwrap();
        systemd.set_read_timeout(Some(Duration::from_mins(4))).unwrap();
        let mut command = studio.command(["serve", "--listen", "127.0.0.1:0"]);
        command.env("NOTIFY_SOCKET", &socket);
        let running = Running::start(command);
        wait_for(&systemd, "READY=1");
        let address = fs::read_to_string(studio.data().join("studiod.address")).unwrap();
        Self { running, address, systemd }
    }

    /// Status and body of a request without a body.
    pub fn get(&self, path: &str) -> (u16, String) {
        block(async {
            studiod::engines::prepare();
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = client.get(format!("http://{}{path}", self.address)).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    /// Removes the project of this short name.
    pub fn remove_project(&self, slug: &str) {
        let (_, projects) = self.get("/api/projects");
        let projects: Value = serde_json::from_str(&projects).unwrap();
        let of_slug = |one: &&Value| one["project"]["slug"] == slug;
        let one = projects["projects"].as_array().unwrap().iter().find(of_slug).unwrap();
        let id = one["project"]["id"].as_str().unwrap();
        block(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = client.delete(format!("http://{}/api/projects/{id}", self.address)).send().await.unwrap();
            assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
        });
    }

    /// Ends it as systemd does.
    pub fn stop(mut self) {
        self.running.signal("TERM");
        wait_for(&self.systemd, "STOPPING=1");
        self.running.finish().ended(0);
    }
}

fn wait_for(systemd: &UnixDatagram, word: &str) {
    let mut said = [0; 1024];
    loop {
        let length = systemd.recv(&mut said).unwrap_or_else(|error| panic!("systemd never heard {word}: {error}"));
        if String::from_utf8_lossy(&said[..length]).lines().any(|line| line == word) {
            return;
        }
    }
}

#[test]
fn a_second_studio_on_the_same_data_is_refused_while_reading_goes_on() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    studio.make(&play);
    let service = Service::start(&studio);
    let pid = service.running.pid().to_string();
    let said = Running::start(studio.command(["--json", "serve", "--listen", "127.0.0.1:0"])).finish().ended(4);
    let sentence = said.json()["error"].as_str().unwrap().to_owned();
    assert!(sentence.contains(&pid) && sentence.lines().count() == 1, "{sentence}");
    let said = Running::start(studio.producing(&play)).finish().ended(2);
    let sentence = said.json()["error"].as_str().unwrap().to_owned();
    assert!(sentence.contains("leave --library out") && sentence.lines().count() == 1, "{sentence}");
    let tasks = studio.run(["--json", "tasks"]).ended(0).json();
    let film = tasks.as_array().unwrap().iter().find(|task| task["slot"] == "film").unwrap();
    let why = studio.run(["--json", "why", film["id"].as_str().unwrap()]).ended(0).json();
    assert_eq!((&why["task"]["slot"], &why["task"]["state"]), (&"film".into(), &"succeeded".into()));
    service.stop();
    assert_eq!(studio.make(&play)["made"], 0, "the lock is free again");
}

#[test]
fn a_running_studio_is_handed_screenplays() {
    let studio = Studio::new();
    studio.settings(&format!("[publish]\nlibrary = {:?}\n", studio.library().display().to_string()));
    fs::create_dir_all(studio.library()).unwrap();
    let play = studio.write("play.fountain", PLAY);
    let service = Service::start(&studio);
    let begun = studio.run(["--json", "produce", play.to_str().unwrap()]).ended(0).json();
    let path = format!("/api/episodes/{}", begun["episode"].as_str().unwrap());
    let published = until("the film to be published", || {
        let (status, text) = service.get(&path);
        assert_eq!(status, 200, "{text}");
        let whole: Value = serde_json::from_str(&text).unwrap();
        (whole["episode"]["state"] == "published").then_some(whole)
    });
    assert!(studio.library().join(crate::produce::FILM).exists());
    assert_eq!(published["scenes"].as_array().unwrap().len(), 2);
    // The film can be watched where it is, from anywhere in it.
    let film = published["film"]["file"]["hash"].as_str().unwrap();
    let (status, part) = block(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(format!("http://{}/api/assets/{film}", service.address)).header("range", "bytes=4-7");
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    });
    assert_eq!((status, &part[..]), (206, &b"ftyp"[..]));
    let bad = studio.write("bad.fountain", "Title: Bad\n\nINT. KITCHEN - DAY\n\nTea. [[shot: sideways]]\n");
    let said = studio.run(["produce", bad.to_str().unwrap()]).ended(3);
    assert!(said.err.contains("unknown word 'sideways'"), "{said:?}");
    let (status, text) = block(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/api/import?format=../etc/passwd", service.address);
        let answer = client.post(url).body(PLAY).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    });
    assert!(status == 400 && text.contains("format is the name of a format"), "{status} {text}");
    let (status, text) = block(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/api/import", service.address);
        let answer = client.post(url).body(fs::read(&bad).unwrap()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    });
    assert!(status == 422 && text.contains("\"mistakes\"") && text.contains("line 5"), "{status} {text}");
    service.stop();
}

#[test]
fn a_service_answers_and_ends_in_order() {
    let studio = Studio::new();
    studio.make(&studio.write("play.fountain", PLAY));
    let service = Service::start(&studio);
    assert_eq!(service.get("/health"), (200, "ok".to_owned()));
    let (status, version) = service.get("/api/version");
    let version: Value = serde_json::from_str(&version).unwrap();
    assert_eq!((status, version["name"].as_str()), (200, Some("studiod")));
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    let (status, page) = service.get("/api/tasks?state=succeeded&limit=5");
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!((status, page["tasks"].as_array().map(Vec::len)), (200, Some(5)), "{page}");
    let (status, rest) = service.get(&format!("/api/tasks?after={}&limit=500", page["next"].as_str().unwrap()));
    let rest: Value = serde_json::from_str(&rest).unwrap();
    assert_eq!(status, 200);
    assert_eq!(rest["tasks"].as_array().unwrap().len() + 5, Book::read(&studio).tasks.len());
    let (status, problem) = service.get("/api/tasks?limit=0");
    let problem: Value = serde_json::from_str(&problem).unwrap();
    assert_eq!((status, problem["code"].as_str()), (400, Some("bad_request")));
    let address = service.address.clone();
    service.stop();
    assert!(std::net::TcpStream::connect(&address).is_err(), "nobody is at {address} any more");
    assert!(!studio.data().join("studiod.address").exists());
    until("the lock to be free", || (studio.run(["serve", "--listen", "256.0.0.1:0"]).code == Some(2)).then_some(()));
}

#[test]
fn a_service_that_was_killed_leaves_nothing_in_the_way() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    let mut service = Service::start(&studio);
    service.running.cut();
    let address = studio.data().join("studiod.address");
    assert!(address.exists(), "killed before it could tidy up");
    studio.make(&play);
    assert!(!address.exists(), "cancel and retry would ask there");
    Service::start(&studio).stop();
}
