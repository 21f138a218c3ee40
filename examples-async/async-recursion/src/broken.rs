//! An async function that calls itself: its future would contain itself, so
//! this does not compile.
//!
//! ```sh
//! cargo run -p async-recursion --bin async-recursion-broken --features broken
//! ```
struct Folder {
    files: u32,
    folders: Vec<Folder>,
}

async fn count(folder: &Folder) -> u32 {
    tokio::task::yield_now().await; // stands for reading the folder
    let mut files = folder.files;
    for folder in &folder.folders {
        files += count(folder).await;
    }
    files
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let home = Folder { files: 5, folders: Vec::new() };
    println!("{} files", count(&home).await);
}
