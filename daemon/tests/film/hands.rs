//! Files of the user's own in the film: music a screenplay names, and a clip put in place of a shot's.

use std::{fs, path::Path, process::Command};

use studio_core::order::{Order, Role};

use crate::{
    book::Book,
    produce::{FILM, PLAY},
    studio::Studio,
    tools::{number, pictures, probe},
};

fn ffmpeg(arguments: &[&str], out: &Path) {
    fs::create_dir_all(out.parent().unwrap()).unwrap();
    let done = Command::new("ffmpeg").args(["-v", "error", "-nostdin"]).args(arguments).arg(out).status();
    assert!(done.expect("ffmpeg is there").success());
}

fn slot_id(book: &Book, slot: &str) -> String {
    book.tasks.iter().find(|task| task.slot == slot).unwrap_or_else(|| panic!("no {slot}")).id.to_string()
}

#[test]
fn what_people_bring_is_in_the_film_and_moves_with_it() {
    let studio = Studio::new();
    ffmpeg(&["-f", "lavfi", "-i", "sine=220:d=3", "-ac", "2"], &studio.path("themes/kitchen.m4a"));
    let play = PLAY.replace("INT. KITCHEN - DAY\n", "INT. KITCHEN - DAY\n\n[[music: themes/kitchen.m4a]]\n");
    studio.make(&studio.write("play.fountain", &play));
    let book = Book::read(&studio);
    let task = |slot: &str| book.tasks.iter().find(|task| task.slot == slot).unwrap();
    assert_eq!(task("scene 1/music").engine, "studio");
    assert_eq!(task("scene 2/music").engine, "draft.music");
    let tune = task("scene 1/music").outputs.as_ref().unwrap().files[0].asset.hash;
    let mixed = book.attempts.iter().any(|attempt| {
        matches!(&attempt.order, Order::MixScene(mix) if mix.music.as_ref().is_some_and(|music| music.hash == tune))
    });
    assert!(mixed, "the screenplay's music is under the first scene");

    // A red clip of another size and rate, shorter than its shot of two seconds.
    let clip = studio.path("red.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "color=red:s=320x240:r=30:d=1", "-pix_fmt", "yuv420p"], &clip);
    let place = slot_id(&book, "scene 2/shot 1/clip");
    let said = studio.run(["--json", "take", "put", &place, clip.to_str().unwrap()]).ended(0).json();
    assert_eq!(said["complete"], true, "{said}");
    let remarks = said["remarks"].as_array().unwrap();
    let held = |remark: &serde_json::Value| remark.as_str().unwrap().contains("its last picture is held");
    assert_eq!(remarks.iter().filter(|remark| held(remark)).count(), 1, "{said}");
    let film = studio.library().join(FILM);
    let last = pictures(&film);
    assert_eq!(last.len(), number(&probe(&film)["streams"][0]["nb_read_frames"]) as usize);
    let png = studio.path("end.png");
    ffmpeg(&["-sseof", "-0.3", "-i", film.to_str().unwrap(), "-frames:v", "1"], &png);
    let picture = image::open(&png).unwrap().to_rgb8();
    let [red, green, _] = picture.get_pixel(picture.width() / 2, picture.height() / 2).0;
    assert!(red > 180 && green < 80, "the clip that was put in place is seen: {red} {green}");
    studio.run(["check", "--deep"]).ended(0);

    // A studio that gets the project has all of it.
    let archive = studio.path("reel.tar");
    studio.run(["export", "test-reel", archive.to_str().unwrap()]).ended(0);
    let there = Studio::new();
    there.run(["import", archive.to_str().unwrap()]).ended(0);
    fs::create_dir_all(there.path("themes")).unwrap();
    fs::copy(studio.path("themes/kitchen.m4a"), there.path("themes/kitchen.m4a")).unwrap();
    let answer = there.make(&there.write("play.fountain", &play));
    assert_eq!(answer["made"], 1, "only the library: {answer}");
    assert_eq!(pictures(&there.library().join(FILM)), last);

    // What was put in place can be let go.
    studio.run(["take", "release", &place]).ended(0);
    assert_ne!(pictures(&film).last(), last.last(), "the shot is its own again");
    let none = studio.run(["take", "put", &place, "/nowhere.mp4"]).ended(3);
    assert!(none.err.contains("cannot be put in place: there is no such file"), "{none:?}");
    let wrong = studio.run(["take", "put", &place, studio.path("play.fountain").to_str().unwrap()]).ended(3);
    assert!(wrong.err.contains("play.fountain cannot be put in place"), "{wrong:?}");
    let film_task = slot_id(&book, "film");
    studio.run(["take", "lock", &film_task]).ended(1);
    assert!(
        book.attempts.iter().any(|attempt| attempt.outputs.as_ref().is_some_and(|o| o.first(Role::Video).is_some()))
    );
}

#[test]
fn music_that_is_not_there_is_said_before_anything_is_made() {
    let studio = Studio::new();
    let play = PLAY.replace("INT. KITCHEN - DAY\n", "INT. KITCHEN - DAY\n\n[[music: themes/none.wav]]\n");
    let said = studio.produce(&studio.write("play.fountain", &play)).ended(3);
    assert!(said.out.contains("the music 'themes/none.wav' of scene 1 cannot be used"), "{said:?}");
    assert_eq!(Book::read(&studio).tasks.len(), 0);
}
