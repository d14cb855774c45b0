//! Migrations are compiled in by `sqlx::migrate!`, which does not tell cargo about new files.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
