// The versions of the API that the stand-in offers, three a year.

const FIRST = 31;
const LAST = 66;
const SEASONS = ["Winter", "Spring", "Summer"];

/** What GET /services/data lists: each version with its season, that of v29.0 being Winter '14. */
export function versions() {
  return Array.from({ length: LAST - FIRST + 1 }, (_, i) => {
    const since = FIRST + i - 29;
    const label = `${SEASONS[since % 3]} '${14 + Math.floor(since / 3)}`;
    return { label, url: `/services/data/v${FIRST + i}.0`, version: `${FIRST + i}.0` };
  });
}

export function isOffered(segment) {
  const number = /^v(\d{2})\.0$/.exec(segment ?? "")?.[1];
  return number !== undefined && Number(number) >= FIRST && Number(number) <= LAST;
}
