//! Many rows in one statement.

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
    let row = |row: usize| {
        let parameters: Vec<_> =
            (1..=columns.len()).map(|n| format!("${}", row * columns.len() + n)).collect();
        format!("({})", parameters.join(", "))
    };
    let values: Vec<_> = (0..rows).map(row).collect();
    sqlx::AssertSqlSafe(format!(
        "INSERT INTO {table} ({}) VALUES {} {after}",
        columns.join(", "),
        values.join(", ")
    ))
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
