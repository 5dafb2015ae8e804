//! Every table, those that others refer to first, with how many rows are in memory at once: fewer where rows are large.
//!
//! To add a table: a line here. One that is forgotten ends the copy.

/// What migrating fills.
pub(super) const SEEDED: [&str; 2] = ["roles", "terms_versions"];

/// Runs `$body` with `$entity` as each entity, and `$rows` as how many of its rows go at a time.
macro_rules! for_each_table {
    ($entity:ident, $rows:ident => $body:expr) => {{
        $crate::copy::tables::for_each_table!(@ $entity, $rows, $body,
            role 500, user 500, user_detail 500, unverified_detail 500, user_avatar_info 500, user_picture 4, user_passion 500,
            terms_version 10, user_terms_agreement 500, past_agreement 500, passkey_credential 200, session 500,
            revoked_token 500, account_recovery 500, ceremony 100, mail 500, rate_limit 500, encryption_key 500,
            game::scenario 100, game::shape_sequence 100, game::jobs 100, game::speed 100, game::abilities 100,
            game::skills 100, game::room_env 100, save 500, audit_entry 500, data_export 500, data_export_part 16)
    }};
    (@ $entity:ident, $number:ident, $body:expr, $($($module:ident)::+ $rows:literal),*) => {{
        $({
            type $entity = entity::$($module)::+::Entity;
            let $number: usize = $rows;
            let _ = $number;
            $body;
        })*
    }};
}
pub(super) use for_each_table;
