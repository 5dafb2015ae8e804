use sea_orm::{EntityTrait, ModelTrait};

/// A table some of whose columns are encrypted by the service, each value to its row: `service::sealed` reads and writes them. A
/// column is text, or JSON whose document is then one text.
pub trait Sealed: EntityTrait<Model: ModelTrait<Entity = Self> + Send + Sync> {
    /// The primary key, by which all rows are gone through.
    const KEY: Self::Column;
    /// The columns that are sealed.
    const SEALED: &'static [Self::Column];

    /// What in the row its values are sealed to: something that no other row has, and that stays.
    fn sealed_to(row: &Self::Model) -> String;
}
