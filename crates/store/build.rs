//! The migrations are embedded: a new file there means a new build.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
