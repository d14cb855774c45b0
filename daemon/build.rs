//! Tells cargo that the migrations are compiled in, so that a new file is noticed.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
