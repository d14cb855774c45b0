//! Migrations are compiled in by a macro of the store, which does not tell cargo about new files.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
