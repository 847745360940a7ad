//! The store in memory and Postgres answer the machines alike: the same scripts of requests, and the same random
//! histories, end in the same.

mod backend;
mod contents;
mod driven;
mod histories;
mod scripts;
