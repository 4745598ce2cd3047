//! Lists, a page at a time.

use super::problem::Problem;
use crate::ids::hex;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// Items of a page where nobody says how many.
const LIMIT: u32 = 50;
/// The most: a page stays under 50 ms and some hundred KB.
const LIMIT_MAX: u32 = 200;

/// Which page.
#[derive(Clone, Deserialize, Default, Debug, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// Which page, of what is called so.
#[derive(Clone, Deserialize, Default, Debug, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
    /// Only those whose id or name has this text.
    #[param(max_length = 200)]
    pub text: Option<String>,
}

/// A page of a list.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How many items.
pub fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(LIMIT);
    if (1..=LIMIT_MAX).contains(&limit) {
        return Ok(limit);
    }
    let message = format!("is 1 to {LIMIT_MAX}");
    Err(Problem::malformed(format!("limit {message}")).at("?limit", message))
}

/// What a cursor holds; nothing where there is none.
pub fn position(cursor: Option<&str>) -> Result<Option<String>, Problem> {
    let read = |cursor: &str| {
        let digits = cursor.strip_prefix('c')?;
        let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
        String::from_utf8(bytes?).ok().filter(|text| !text.contains('\0'))
    };
    let Some(cursor) = cursor else { return Ok(None) };
    read(cursor).map(Some).ok_or_else(bad_cursor)
}

/// A cursor that we never gave.
pub fn bad_cursor() -> Problem {
    Problem::malformed("the cursor is none that was given").at("?cursor", "is none that was given")
}

/// A cursor that holds that position.
pub fn cursor(position: &str) -> String {
    format!("c{}", hex(position.as_bytes()))
}

impl<T> Page<T> {
    /// From up to `limit` + 1 items: the last, where it is there, only says that there are more.
    pub fn new<S>(
        mut items: Vec<S>,
        limit: u32,
        position: impl Fn(&S) -> String,
        shown: impl Fn(S) -> T,
    ) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| cursor(&position(last)));
        Page { items: items.into_iter().map(shown).collect(), next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_holds_any_position_and_others_are_refused() {
        for text in ["", "abc", "ü/%\n"] {
            assert_eq!(position(Some(&cursor(text))).unwrap().as_deref(), Some(text));
        }
        for wrong in ["", "x", "cx", "c1", "c00", "cff", "c€1"] {
            assert!(position(Some(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(position(None).unwrap(), None);
    }

    #[test]
    fn a_page_has_a_next_one_only_where_there_is_more() {
        let page = |items: Vec<u32>| Page::new(items, 2, |n| n.to_string(), |n| n);
        assert_eq!(page(vec![1, 2, 3]), Page { items: vec![1, 2], next: Some(cursor("2")) });
        assert_eq!(page(vec![1, 2]), Page { items: vec![1, 2], next: None });
    }
}
