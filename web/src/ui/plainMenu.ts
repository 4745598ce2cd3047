/**
 * For menus of a page. In the library's own way they lie outside the page's landmarks, and begin with an empty thing that has
 * the focus and is no item, which screen readers find odd.
 */
export const plainMenu = { withinPortal: false, withInitialFocusPlaceholder: false } as const;
