//! Drives the running service from outside, over HTTP, on SQLite and on PostgreSQL. `tests/run` starts what is needed.
//!
//! To add a test: a function of an [`harness::Engine`] in the file of its noun, and its name in that file's `on_both_engines!`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where something is not as it should be")]

mod harness;

mod account_recovery;
mod attack;
mod audit_log;
mod backup;
mod bench;
mod bench_overload;
mod bench_rotation;
mod bench_soak;
mod brake;
mod browser;
mod catalogue;
mod clients;
mod clock;
mod commands;
mod contract;
mod copy;
mod crash;
mod data_export;
mod data_import;
mod doctor;
mod erasure;
mod errors;
mod evolution;
mod fault;
mod foreseen;
mod full_disk;
mod fuzz;
mod games;
mod graphiql;
mod health;
mod history;
mod hostile;
mod http;
mod insights;
mod instances;
mod invalid;
mod journey;
mod limits;
mod log;
mod mail;
mod metrics;
mod migrations;
mod operations;
mod overload;
mod passkey;
mod password;
mod permission;
mod persisted;
mod pooler;
mod privacy;
mod progress;
mod property;
mod replica;
mod sample;
mod save;
mod save_between;
mod schema;
mod sealed;
mod session;
mod specification;
mod statements;
mod supply_chain;
mod terms_version;
mod traces;
mod unverified_detail;
mod user;
mod user_page;
mod user_picture;
