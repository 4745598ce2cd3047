//! Statements that several tables share: many rows at once, and a page of a list.

use super::{Database, DatabaseError};
use sqlx::any::AnyRow;

/// Entries of one page of a list; a reader that wants more asks again.
const PAGE_MAX: u32 = 500;

/// Rows of one statement: with more, a row takes no less time.
const ROWS_MAX: usize = 64;

/// Parts of powers of two, so that a few statements, which are prepared once, serve for any number of rows.
pub(super) fn parts<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = rows.len().min(ROWS_MAX).checked_ilog2()?;
        let (part, rest) = rows.split_at(1 << length);
        rows = rest;
        Some(part)
    })
}

/// `INSERT INTO table (…) VALUES ($1, …), …` for so many rows, and what comes after it.
pub(super) fn insert(table: &str, columns: &[&str], rows: usize, after: &str) -> sqlx::AssertSqlSafe<String> {
    let row = |row: usize| format!("({})", placeholders(row * columns.len() + 1, columns.len()));
    let values: Vec<_> = (0..rows).map(row).collect();
    sqlx::AssertSqlSafe(format!(
        "INSERT INTO {table} ({}) VALUES {} {after}",
        columns.join(", "),
        values.join(", ")
    ))
}

/// `$first, …` for so many values.
pub(super) fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// Which page of a list is wanted.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    /// Only entries whose id or name has it.
    pub text: Option<&'a str>,
    /// The last id of the page before.
    pub after: Option<&'a str>,
    /// 1 to [`PAGE_MAX`] entries; what is beyond is cut to it.
    pub limit: u32,
}

impl Database {
    /// A page of a table that has `id` and `search`, by id. `select` names the columns, `table` what stands in front of
    /// those two (`f.`, or nothing), and `kind` a column with the value that it must have.
    pub(super) async fn page(
        &self,
        select: &str,
        table: &str,
        kind: Option<(&str, &str)>,
        page: Page<'_>,
    ) -> Result<Vec<AnyRow>, DatabaseError> {
        let (column, kind) = kind.unwrap_or(("''", ""));
        let statement = format!(
            "{select} WHERE {column} = $1 AND {table}id > $2 AND {table}search LIKE $3 ESCAPE '!' \
             ORDER BY {table}id LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(kind)
            .bind(page.after.unwrap_or_default())
            .bind(containing(page.text))
            .bind(i64::from(page.limit.clamp(1, PAGE_MAX)))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows)
    }
}

/// What lists are searched in.
pub(super) fn searched(id: &str, name: &str) -> String {
    format!("{} {}", id.to_lowercase(), name.to_lowercase())
}

/// A pattern for LIKE with `!` as its escape.
fn containing(text: Option<&str>) -> String {
    pattern(&text.unwrap_or_default().to_lowercase())
}

/// The same for a text as it stands.
pub(super) fn pattern(text: &str) -> String {
    format!("%{}%", text.replace('!', "!!").replace('%', "!%").replace('_', "!_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_powers_of_two_and_together_the_whole_in_order() {
        for length in [0, 1, 2, 3, 63, 64, 65, 1_000] {
            let rows: Vec<usize> = (0..length).collect();
            let parts: Vec<&[usize]> = parts(&rows).collect();
            assert!(parts.iter().all(|part| part.len().is_power_of_two() && part.len() <= ROWS_MAX));
            assert_eq!(parts.concat(), rows);
        }
    }

    #[test]
    fn a_statement_numbers_its_parameters_through() {
        let statement = insert("t", &["a", "b"], 2, "ON CONFLICT DO NOTHING");
        assert_eq!(statement.0, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING");
    }
}
