//! The book, and the program that builds and serves it.
//!
//! A [`page`] contains directives. [`figures`] draws what each of them shows, the [`book`] puts it all
//! together, and [`serve`] lets its reader run the examples.

pub mod book;
pub mod figures;
pub mod page;
pub mod serve;
