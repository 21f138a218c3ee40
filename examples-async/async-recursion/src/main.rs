//! An async function that calls itself puts the inner future into a box.
//!
//! ```sh
//! cargo run -p async-recursion
//! ```
struct Folder {
    files: u32,
    folders: Vec<Folder>,
}

/// The future holds the box, whose size is known, and not the inner future,
/// which would hold another one, and so on.
async fn count(folder: &Folder) -> u32 {
    tokio::task::yield_now().await; // stands for reading the folder
    let mut files = folder.files;
    for folder in &folder.folders {
        files += Box::pin(count(folder)).await;
    }
    files
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let photos = Folder { files: 3, folders: Vec::new() };
    let music = Folder { files: 4, folders: Vec::new() };
    let home = Folder { files: 5, folders: vec![photos, music] };
    println!("{} files", count(&home).await);
}
