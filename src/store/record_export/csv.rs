//! Rows of CSV after RFC 4180, none of whose cells a spreadsheet takes for a formula.
//!
//! A text that begins with one of `= + - @`, a tab or a line break gets an apostrophe in front, and so does one of those
//! signs behind a semicolon, a tab or a line break within a text, where a spreadsheet that goes by semicolons begins a cell.
//! Only a plain number, such as `+15550100` or `-5`, stays as it is: no formula can be made of a sign and digits, and
//! whoever reads the file finds the number that he looks for. (A spreadsheet shows it without its plus, unless the column
//! is read as text.)

/// Signs that begin a formula, also in the forms of wide characters.
const SIGNS: &str = "=+-@\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}";
/// What a program that goes by other separators than commas may begin a cell after.
const BREAKS: &str = ";\t\r\n";

/// Appends a row.
pub fn row(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let cell = harmless(cell);
        if cell.contains(['"', ',', ';', '\t', '\r', '\n']) {
            out.push(b'"');
            out.extend(cell.replace('"', "\"\"").into_bytes());
            out.push(b'"');
        } else {
            out.extend(cell.into_bytes());
        }
    }
    out.extend(b"\r\n");
}

fn harmless(cell: String) -> String {
    if !cell.contains(|c| SIGNS.contains(c) || BREAKS.contains(c)) || is_plain_number(&cell) {
        return cell;
    }
    let mut safe = String::with_capacity(cell.len() + 2);
    if cell.starts_with(|c| BREAKS.contains(c)) {
        safe.push('\'');
    }
    let mut is_begin = true;
    for c in cell.chars() {
        if is_begin && SIGNS.contains(c) {
            safe.push('\'');
        }
        // Blanks and quotes before it do not make a sign less of one.
        is_begin = BREAKS.contains(c) || is_begin && (c == ' ' || c == '"');
        safe.push(c);
    }
    safe
}

/// A sign and digits, with a point among them perhaps.
fn is_plain_number(cell: &str) -> bool {
    let digits = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cells: &[&str]) -> String {
        let mut out = Vec::new();
        row(cells.iter().map(|cell| (*cell).to_owned()), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_is_as_rfc_4180_has_it() {
        for (cells, expected) in [
            (&["a", "b c", ""][..], "a,b c,\r\n"),
            (&["a,b", "say \"x\""], "\"a,b\",\"say \"\"x\"\"\"\r\n"),
            (&["two\r\nlines", "ü"], "\"two\r\nlines\",ü\r\n"),
            (&[], "\r\n"),
        ] {
            assert_eq!(written(cells), expected, "{cells:?}");
        }
    }

    #[test]
    fn no_cell_is_a_formula_and_a_number_stays_a_number() {
        for (cell, expected) in [
            ("+15550100", "+15550100"),
            ("-5", "-5"),
            ("+3.25", "+3.25"),
            ("12.5", "12.5"),
            ("sip:alice@desk.example", "sip:alice@desk.example"),
            ("a=b", "a=b"),
            ("*98", "*98"),
            ("=1+1", "'=1+1"),
            ("+1+1", "'+1+1"),
            ("+1-555-0100", "'+1-555-0100"),
            ("+1555,0100", "\"'+1555,0100\""),
            ("-2+3", "'-2+3"),
            ("+", "'+"),
            ("+.5", "'+.5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", " '=1"),
            ("\"=1", "\"\"\"'=1\""),
            ("\t=1", "\"'\t'=1\""),
            ("\rx", "\"'\rx\""),
            ("a;=cmd()", "\"a;'=cmd()\""),
            ("a\n=cmd()", "\"a\n'=cmd()\""),
            ("a; \"-1", "\"a; \"\"'-1\""),
            ("\u{FF1D}1", "'\u{FF1D}1"),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
        ] {
            assert_eq!(written(&[cell]), format!("{expected}\r\n"), "{cell:?}");
        }
    }
}
