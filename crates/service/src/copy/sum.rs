//! What a table holds, as one number that does not depend on the order of its rows: the engines order text in different ways.

use sea_orm::{EntityTrait, IdenStatic, Iterable, ModelTrait, Value};
use sha2::{Digest, Sha256};

/// How many rows there are, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    rows: u64,
    hashes: u128,
}

impl Sum {
    pub(super) fn rows(self) -> u64 {
        self.rows
    }

    /// Adds a row, with each of its columns as it is stored.
    pub(super) fn add<M: ModelTrait>(&mut self, row: &M) {
        let mut hash = Sha256::new();
        for column in <<M::Entity as EntityTrait>::Column as Iterable>::iter() {
            hash.update(column.as_str());
            match row.get(column) {
                Value::Bytes(Some(bytes)) => hash.update(&*bytes),
                // The shortest text that is read back as the same value.
                value => hash.update(format!("{value:?}")),
            }
            hash.update([0xff]);
        }
        let half = hash.finalize().iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte));
        self.rows += 1;
        self.hashes = self.hashes.wrapping_add(half);
    }
}
