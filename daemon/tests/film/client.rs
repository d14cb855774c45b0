//! Commands beside a running service and without one: the same answers, words and exit codes; behind a proxy, and for a
//! service that lets nobody in without a token.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use serde_json::Value;
use studio_core::order::Role;

use crate::{
    book::Book,
    produce::PLAY,
    second::Service,
    studio::{Running, Said, Studio, until},
};

/// Nobody is there: a request that goes to it fails.
const PROXY: &str = "http://127.0.0.1:9";

/// Runs a command as somebody whose shell sends everything through a proxy.
fn run(studio: &Studio, args: &[&str]) -> Said {
    Running::start(proxied(studio, args)).finish()
}

fn proxied(studio: &Studio, args: &[&str]) -> Command {
    let mut command = studio.command(args);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        command.env(name, PROXY);
    }
    command
}

/// A command with something on its standard input.
fn told(studio: &Studio, args: &[&str], input: &str) -> Said {
    let mut child = proxied(studio, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it listens");
    let ended = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { code: ended.status.code(), out: text(ended.stdout), err: text(ended.stderr) }
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp is there").success());
}

/// Every command that asks something of the studio, with how it ends.
fn table(book: &Book, play: &Path, archive: &str) -> Vec<(Vec<String>, i32)> {
    let id = |slot: &str| book.tasks.iter().find(|task| task.slot == slot).expect("it is made").id.to_string();
    let (film, take, clip) = (id("film"), id("scene 1/shot 1/clip/take 1"), id("scene 1/shot 1/clip"));
    let (still, picture) = (id("scene 1/shot 1/still"), book.path("scene 2/shot 1/still", Role::Picture));
    let (play, picture) = (play.to_str().unwrap(), picture.display().to_string());
    let row = |args: &[&str], code: i32| (args.iter().map(|&one| one.to_owned()).collect(), code);
    vec![
        row(&["tasks", "--limit", "500"], 0),
        row(&["why", &film], 0),
        row(&["learned"], 0),
        row(&["judge"], 0),
        row(&["cancel", &film], 2),
        row(&["cancel", "ffffffff-nobody"], 2),
        row(&["pin", &film], 2),
        row(&["hold", &film, "--off"], 2),
        row(&["move", &film, "--before", &take], 2),
        row(&["retry", &film], 1),
        row(&["pause", "--engine", "nobody"], 1),
        row(&["pause", "--gpu", "0000:99:00.0"], 1),
        row(&["pause", "--engine", "media", "--why", "it is late"], 0),
        row(&["resume", "--engine", "media"], 0),
        row(&["pause"], 0),
        row(&["resume"], 0),
        row(&["approve", "pictures", "test-reel", "--episode", "2"], 1),
        row(&["approve", "pictures", "nobody"], 2),
        row(&["take", "lock", &film], 1),
        row(&["take", "release", &clip], 1),
        row(&["take", "put", &clip, "/nowhere.mp4"], 3),
        row(&["take", "put", &clip, play], 3),
        row(&["take", "put", &film, &picture], 2),
        row(&["take", "put", &still, &picture], 0),
        row(&["take", "release", &still], 0),
        row(&["take", "lock", &clip], 0),
        row(&["take", "release", &clip], 0),
        row(&["opinion", &take, "good", "--issue", "nobody"], 2),
        row(&["opinion", &take, "good", "--why", "as it should be"], 0),
        row(&["unpublish", "test-reel", "--episode", "2"], 0),
        row(&["unpublish", "test-reel", "--episode", "2"], 2),
        row(&["produce", play, "--season", "200"], 2),
        row(&["produce", play, "--format", "nobody"], 2),
        row(&["produce", play], 0),
        row(&["export", "nobody", "/tmp/never.tar"], 2),
        row(&["import", "/nowhere/project.tar"], 3),
        row(&["import", archive], 3),
        row(&["tidy", "--days", "0", "--dry-run"], 0),
        row(&["tidy"], 0),
    ]
}

/// Answers of the whole table, in order; each is over before the next is asked.
fn answers(studio: &Studio, table: &[(Vec<String>, i32)]) -> Vec<Value> {
    let mut all = Vec::new();
    for (args, code) in table {
        let args: Vec<&str> = ["--json"].into_iter().chain(args.iter().map(String::as_str)).collect();
        all.push(run(studio, &args).ended(*code).json());
        until("what was begun to be made", || {
            Book::read(studio).tasks.iter().all(|task| task.state.is_final()).then_some(())
        });
    }
    all
}

#[test]
fn every_command_answers_the_same_with_a_service_and_without() {
    let studio = Studio::new();
    studio.settings(&format!("[publish]\nlibrary = {:?}\n", studio.library().display().to_string()));
    fs::create_dir_all(studio.library()).unwrap();
    let play = studio.write("play.fountain", PLAY);
    studio.run(["produce", play.to_str().unwrap()]).ended(0);
    let archive = studio.path("reel.tar").display().to_string();
    studio.run(["export", "test-reel", &archive]).ended(0);
    let table = table(&Book::read(&studio), &play, &archive);
    let (data, library) = (studio.path("data.before"), studio.path("library.before"));
    copy(&studio.data(), &data);
    copy(&studio.library(), &library);
    let alone = answers(&studio, &table);

    copy(&data, &studio.data());
    copy(&library, &studio.library());
    let service = Service::start(&studio);
    let beside = answers(&studio, &table);
    service.stop();
    for (((args, _), alone), beside) in table.iter().zip(&alone).zip(&beside) {
        let Some(beside) = beside.as_object() else {
            assert_eq!(alone, beside, "{args:?}");
            continue;
        };
        // Who makes it says more at the end than who only hands it over.
        for (key, value) in beside {
            assert_eq!(alone.get(key), Some(value), "{key} of {args:?}");
        }
    }
}

#[test]
fn people_read_the_same_words_with_a_service_and_without() {
    let studio = Studio::new();
    let words = |args: &[&str], code: i32| {
        let said = run(&studio, args).ended(code);
        (said.out, said.err)
    };
    let rows: [(&[&str], i32); 4] =
        [(&["pause"], 0), (&["resume"], 0), (&["pause", "--engine", "nobody"], 1), (&["cancel", "0000"], 2)];
    let alone = rows.map(|(args, code)| words(args, code));
    let service = Service::start(&studio);
    assert_eq!(rows.map(|(args, code)| words(args, code)), alone);
    service.stop();
}

#[test]
fn a_service_that_lets_nobody_in_takes_the_token_of_a_login() {
    let studio = Studio::new();
    studio.settings("[web]\nopen_house = false\n");
    assert!(told(&studio, &["login"], "").ended(2).err.contains("no service runs on this data"));
    told(&studio, &["password"], "a long password\n").ended(0);
    let service = Service::start(&studio);
    // What changes something goes through the service, which says no; nothing is written beside it.
    told(&studio, &["password"], "another password\n").ended(7);
    run(&studio, &["check", "--deep"]).ended(7);
    let refused = run(&studio, &["pause"]).ended(7);
    assert!(refused.err.contains("'studiod login' gets one") && refused.err.lines().count() == 1, "{refused:?}");
    let wrong = told(&studio, &["login"], "a wrong password\n").ended(7);
    assert!(wrong.err.contains("that is not the password"), "{wrong:?}");
    let kept = told(&studio, &["--json", "login"], "a long password\n").ended(0).json()["token"].clone();
    let file = studio.data().join("studiod.token");
    assert_eq!(kept.as_str(), file.to_str());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    run(&studio, &["pause"]).ended(0);
    run(&studio, &["resume"]).ended(0);
    told(&studio, &["password"], "short\n").ended(2);
    told(&studio, &["password"], "a longer password\n").ended(0);
    told(&studio, &["login"], "a long password\n").ended(7);
    let token = fs::read_to_string(&file).unwrap();

    // What is given goes before what is kept.
    let refused = Running::start({
        let mut command = proxied(&studio, &["pause"]);
        command.env("STUDIOD_TOKEN", "nonsense");
        command
    });
    assert!({ refused }.finish().ended(7).err.contains("the token in STUDIOD_TOKEN does not count"));
    fs::remove_file(&file).unwrap();
    let elsewhere = studio.write("a.token", token);
    run(&studio, &["--token-file", elsewhere.to_str().unwrap(), "pause"]).ended(0);
    run(&studio, &["resume"]).ended(7);
    run(&studio, &["--token-file", "/nowhere", "resume"]).ended(2);
    service.stop();
}

#[test]
fn a_proxy_of_this_machine_that_the_settings_trust_locks_no_command_out() {
    let studio = Studio::new();
    studio.settings("[web]\ntrusted_proxies = [\"127.0.0.0/8\"]\n");
    told(&studio, &["password"], "a long password\n").ended(0);
    let service = Service::start(&studio);
    // By the address a command cannot be told from what the proxy passes on, but it can read the studio's key.
    run(&studio, &["pause"]).ended(0);
    run(&studio, &["resume"]).ended(0);
    // Who names a token is that one, and nobody else.
    let wrong = studio.write("wrong", "nobody");
    run(&studio, &["--token-file", wrong.to_str().unwrap(), "pause"]).ended(7);
    // A token that was kept and has ended is no hindrance.
    fs::write(studio.data().join("studiod.token"), "of before\n").unwrap();
    run(&studio, &["pause"]).ended(0);
    fs::remove_file(studio.data().join("studiod.token")).unwrap();
    // Somebody who cannot read the key is anybody, until the password is known.
    let (key, aside) = (studio.data().join("studiod.key"), studio.path("key"));
    fs::rename(&key, &aside).unwrap();
    run(&studio, &["resume"]).ended(7);
    told(&studio, &["login"], "a long password\n").ended(0);
    run(&studio, &["resume"]).ended(0);
    fs::rename(&aside, &key).unwrap();
    service.stop();
}

#[test]
fn commands_that_only_read_connect_to_no_engine() {
    let studio = Studio::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    studio.settings(&format!(
        "[[comfy]]\nname = \"here\"\nurl = \"{url}\"\n[ollama]\nurl = \"{url}\"\nvision = \"gemma3:12b\"\n[ace_step]\nurl = \"{url}\"\n[speech]\nurl = \"{url}\"\n"
    ));
    let rows: [(&[&str], i32); 9] = [
        (&["tasks"], 0),
        (&["why", "0000"], 2),
        (&["learned"], 0),
        (&["judge"], 0),
        (&["migrate"], 0),
        (&["tidy"], 0),
        (&["export", "nobody", "/tmp/never.tar"], 2),
        (&["cancel", "0000"], 2),
        (&["unpublish", "nobody"], 2),
    ];
    for (args, code) in rows {
        studio.run(args).ended(code);
        assert_eq!(seen.load(Ordering::SeqCst), 0, "{args:?}");
    }
    // One that must know who is there asks.
    studio.run(["fleet"]).ended(0);
    assert!(seen.load(Ordering::SeqCst) > 0);
}

/// Names of a process's threads, and what its descriptors are.
fn inside(pid: u32) -> Vec<String> {
    let all = |folder: &str| fs::read_dir(format!("/proc/{pid}/{folder}")).unwrap().filter_map(Result::ok);
    let threads = all("task").filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    let open = all("fd").filter_map(|fd| Some(fs::read_link(fd.path()).ok()?.display().to_string()));
    threads.map(|name| name.trim().to_owned()).chain(open).collect()
}

#[test]
fn commands_that_look_ask_each_server_once_and_start_nothing() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // A server that answers only when the test has looked at who asks.
    let (asked, questions) = mpsc::channel::<(String, mpsc::Sender<()>)>();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            let asked = asked.clone();
            std::thread::spawn(move || {
                let mut line = String::new();
                let _ = BufReader::new(&stream).read_line(&mut line);
                let (answer, may) = mpsc::channel();
                let _ = asked.send((line, answer));
                let _ = may.recv();
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            });
        }
    });
    studio.settings(&format!(
        "[[comfy]]\nname = \"here\"\nurl = \"{url}\"\n[ollama]\nurl = \"{url}\"\nvision = \"gemma3:12b\"\n[models]\nstills = \"sdxl\"\n"
    ));
    for (args, code) in [(vec!["plan", play.to_str().unwrap()], 0), (vec!["fleet"], 0), (vec!["check"], 6)] {
        let mut running = Running::start(studio.command(&args));
        let (first, answer) = questions.recv_timeout(std::time::Duration::from_mins(4)).expect("it asks");
        let inside = inside(running.pid());
        let starts = |one: &&String| ["gpu-watch", "notify", "inotify"].iter().any(|word| one.contains(word));
        assert_eq!(inside.iter().find(starts), None, "{args:?}");
        drop(answer);
        let mut lines = vec![first];
        let said = loop {
            lines.extend(questions.try_iter().map(|(line, _)| line));
            if running.ended().is_some() {
                break running.finish();
            }
            std::thread::yield_now();
        };
        said.ended(code);
        let times = |path: &str| lines.iter().filter(|line| line.starts_with(&format!("GET {path} "))).count();
        assert!(times("/queue") == 1 && times("/api/tags") == 1, "{args:?}: {lines:?}");
        // Whether a model can see, Ollama tells by POST.
        let only_looks = |line: &String| line.starts_with("GET ") || line.starts_with("POST /api/show ");
        assert!(lines.iter().all(|line| only_looks(line) && !line.contains("/ws")), "{args:?}: {lines:?}");
    }
}

#[test]
fn a_running_service_looks_at_its_own_files() {
    let studio = Studio::new();
    studio.make(&studio.write("play.fountain", PLAY));
    let clip = Book::read(&studio).path("scene 1/shot 1/clip/take 1", Role::Video);
    let mut bytes = fs::read(&clip).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&clip, bytes).unwrap();
    let service = Service::start(&studio);
    let said = run(&studio, &["--json", "check", "--deep"]).ended(6).json();
    let bad: Vec<&Value> =
        said["lines"].as_array().into_iter().flatten().filter(|line| line["verdict"] == "BAD").collect();
    assert_eq!(bad.len(), 1, "{said}");
    assert!(bad[0]["what"] == "files" && bad[0]["said"].as_str().unwrap().contains("is damaged"), "{said}");
    service.stop();
    // It is marked, and so made again when it is needed.
    let before = Book::read(&studio);
    studio.make(&studio.path("play.fountain"));
    assert_eq!(Book::read(&studio).made_since(&before), ["scene 1/shot 1/clip/take 1".to_owned()].into());
    studio.run(["check", "--deep"]).ended(0);
}
