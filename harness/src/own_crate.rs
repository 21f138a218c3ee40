//! The way of an example into a crate of the reader's own: the commands that make the crate, and
//! the files that go into it.
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{Dependency, DependencyKind, Package, Target};

use crate::files;

/// The file that a library's documentation begins with.
const README: &str = "README.md";

/// A crate for the reader to make outside of this workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCrate {
    /// Its name, which is also its folder's.
    pub name: String,
    /// True if it is a library, which another crate depends on.
    pub is_library: bool,
    /// True if it is an extension module, which Python imports.
    pub is_extension: bool,
    /// The arguments of `cargo add`, for one dependency each.
    pub dependencies: Vec<String>,
    /// The files to put into its folder.
    pub files: Vec<CopiedFile>,
}

/// A file that is copied from this workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedFile {
    /// The path of the copy, from the new crate's folder, with `/`: `src/main.rs`.
    pub path: String,
    /// The path of the original, from the workspace's root, with `/`.
    pub source: String,
}

/// Returns the lines of a manifest that depend on the libraries of this workspace that a program uses:
/// at the address of its repository or, if that is not known, in a copy of it in the folder `PATH`.
pub fn dependency_lines(crates: &[OwnCrate], repository: Option<&str>) -> String {
    let Some((program, libraries)) = crates.split_last() else { return String::new() };
    let uses = |library: &&OwnCrate| {
        let path = format!("../{}", library.name);
        program.dependencies.iter().any(|words| words.split(' ').nth(1) == Some(&path))
    };
    let line = |library: &OwnCrate| {
        let name = &library.name;
        match repository {
            Some(address) => format!("{name} = {{ git = \"{address}\" }}"),
            None => format!("{name} = {{ path = \"PATH/crates/{name}\" }}"),
        }
    };
    libraries.iter().filter(uses).map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the commands that make these crates next to each other, one per line.
pub fn commands(crates: &[OwnCrate]) -> String {
    let of_one = |own: &OwnCrate| {
        let library = if own.is_library || own.is_extension { "--lib " } else { "" };
        let mut new = format!("cargo new {library}{0}\ncd {0}", own.name);
        if own.is_extension {
            let module = own.name.replace('-', "_");
            new += "\nprintf '\\n[lib]\\nname = \"";
            new += &format!("{module}\"\\ncrate-type = [\"cdylib\"]\\n' >> Cargo.toml");
        }
        let add = own.dependencies.iter().map(|dependency| format!("\ncargo add {dependency}"));
        new + &add.collect::<String>()
    };
    crates.iter().map(of_one).collect::<Vec<_>>().join("\ncd ..\n")
}

/// Returns the crates that contain a program and the crates of this workspace that it builds on. The
/// program's own crate comes last.
pub(crate) fn crates_for(
    root: &Path,
    packages: &[Package],
    package: &Package,
    program: &Target,
) -> Result<Vec<OwnCrate>> {
    let mut crates = Vec::new();
    add_libraries(root, packages, package, &mut crates)?;
    let is_extension = extension_module(package).is_some();
    let mut files = files(root, package, &["src"], Some(program).filter(|_| !is_extension))?;
    if is_extension {
        let path = format!("{}.py", program.name);
        files.push(CopiedFile { source: format!("{}/{path}", folder(root, package)?), path });
    }
    files.extend(readme(root, package)?);
    crates.push(OwnCrate {
        name: program.name.clone(),
        is_library: false,
        is_extension,
        dependencies: dependencies(package),
        files,
    });
    Ok(crates)
}

/// Returns the library of a package that Python can import.
pub(crate) fn extension_module(package: &Package) -> Option<&Target> {
    package.targets.iter().find(|target| target.is_cdylib())
}

/// Adds the crates of this workspace that a package depends on, each after those that it needs.
fn add_libraries(
    root: &Path,
    packages: &[Package],
    package: &Package,
    crates: &mut Vec<OwnCrate>,
) -> Result<()> {
    for dependency in needed(package).filter(|dependency| dependency.path.is_some()) {
        if crates.iter().any(|known| known.name == dependency.name) {
            continue;
        }
        let library = packages.iter().find(|package| *package.name == dependency.name);
        let library = library.with_context(|| {
            format!(
                "{} depends on {}, which is not in the workspace",
                package.name, dependency.name
            )
        })?;
        add_libraries(root, packages, library, crates)?;
        let mut files = files(root, library, &["examples", "src", "tests"], None)?;
        files.extend(readme(root, library)?);
        crates.push(OwnCrate {
            name: dependency.name.clone(),
            is_library: true,
            is_extension: false,
            dependencies: dependencies(library),
            files,
        });
    }
    Ok(())
}

/// The dependencies of the files that are copied: not those of a build script, nor those of a program's
/// integration tests.
fn needed(package: &Package) -> impl Iterator<Item = &Dependency> {
    let has = |kind: fn(&Target) -> bool| package.targets.iter().any(kind);
    let leaves_tests = has(Target::is_bin) && has(Target::is_test);
    package.dependencies.iter().filter(move |dependency| match dependency.kind {
        DependencyKind::Development => !leaves_tests,
        kind => kind == DependencyKind::Normal,
    })
}

/// Returns the dependencies of a package as `cargo add` takes them.
fn dependencies(package: &Package) -> Vec<String> {
    let words = |dependency: &Dependency| {
        let mut words = match &dependency.path {
            Some(_) => format!("--path ../{}", dependency.name),
            None => {
                let version = dependency.req.to_string();
                format!("{}@{}", dependency.name, version.trim_start_matches('^'))
            }
        };
        if !dependency.uses_default_features {
            words += " --no-default-features";
        }
        if !dependency.features.is_empty() {
            words += &format!(" --features {}", dependency.features.join(","));
        }
        if dependency.kind == DependencyKind::Development {
            words += " --dev";
        }
        if dependency.optional {
            words += " --optional";
        }
        if let Some(target) = &dependency.target {
            words += &format!(" --target '{target}'");
        }
        words
    };
    needed(package).map(words).collect()
}

/// Returns a package's folder, from the workspace's root, with `/`.
fn folder(root: &Path, package: &Package) -> Result<String> {
    let folder = package.manifest_path.parent().context("a manifest is in a folder")?;
    let within = folder.strip_prefix(root).context("the package is in the workspace")?;
    Ok(within.as_str().replace('\\', "/"))
}

/// The README of a package with a library, whose documentation includes it.
fn readme(root: &Path, package: &Package) -> Result<Option<CopiedFile>> {
    let is_included = package.targets.iter().any(Target::is_lib)
        && package.manifest_path.with_file_name(README).is_file();
    let source = format!("{}/{README}", folder(root, package)?);
    Ok(is_included.then(|| CopiedFile { path: README.to_owned(), source }))
}

/// The files in these folders of a package: its modules and, of its programs, only this one, as
/// `src/main.rs`.
fn files(
    root: &Path,
    package: &Package,
    folders: &[&str],
    program: Option<&Target>,
) -> Result<Vec<CopiedFile>> {
    let within = folder(root, package)?;
    let folder = package.manifest_path.parent().context("a manifest is in a folder")?;
    let is = |target: &Target, source: &str| target.src_path == folder.join(source);
    let mut files = Vec::new();
    let of_folders = folders.iter().map(|of| files::below(folder.as_std_path(), of));
    for file in of_folders.collect::<Result<Vec<_>>>()?.concat() {
        let is_program = package.targets.iter().any(|target| target.is_bin() && is(target, &file));
        let path = match program {
            Some(program) if is(program, &file) => "src/main.rs".to_owned(),
            _ if is_program => continue,
            _ => file.clone(),
        };
        files.push(CopiedFile { path, source: format!("{within}/{file}") });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_made_before_the_program_that_needs_it() {
        let own = |name: &str, is_library, dependencies: &[&str]| OwnCrate {
            name: name.to_owned(),
            is_library,
            is_extension: false,
            dependencies: dependencies.iter().map(|&words| words.to_owned()).collect(),
            files: Vec::new(),
        };
        let crates = [
            own("pool", true, &["serde@1.0 --features derive"]),
            own("user", false, &["--path ../pool", "rustix@1.1 --target 'cfg(unix)'"]),
        ];
        assert_eq!(
            commands(&crates),
            "cargo new --lib pool\ncd pool\ncargo add serde@1.0 --features derive\ncd ..\n\
             cargo new user\ncd user\ncargo add --path ../pool\n\
             cargo add rustix@1.1 --target 'cfg(unix)'"
        );
    }

    #[test]
    fn a_library_that_the_program_uses_is_a_dependency_in_one_line() {
        let own = |name: &str, dependencies: &[&str]| OwnCrate {
            name: name.to_owned(),
            is_library: true,
            is_extension: false,
            dependencies: dependencies.iter().map(|&words| words.to_owned()).collect(),
            files: Vec::new(),
        };
        let crates = [
            own("testbed", &[]),
            own("pool", &["--path ../testbed --dev"]),
            own("user", &["serde@1.0", "--path ../pool"]),
        ];
        let address = "https://git.example/owner/name";
        assert_eq!(
            dependency_lines(&crates, Some(address)),
            "pool = { git = \"https://git.example/owner/name\" }"
        );
        assert_eq!(dependency_lines(&crates, None), "pool = { path = \"PATH/crates/pool\" }");
        assert_eq!(dependency_lines(&crates[..1], None), "");
    }

    #[test]
    fn an_extension_module_is_a_library_that_python_can_load() {
        let own = OwnCrate {
            name: "my-module".to_owned(),
            is_library: false,
            is_extension: true,
            dependencies: vec!["pyo3@0.30".to_owned()],
            files: Vec::new(),
        };
        assert_eq!(
            commands(&[own]),
            "cargo new --lib my-module\ncd my-module\n\
             printf '\\n[lib]\\nname = \"my_module\"\\ncrate-type = [\"cdylib\"]\\n' >> Cargo.toml\n\
             cargo add pyo3@0.30"
        );
    }
}
