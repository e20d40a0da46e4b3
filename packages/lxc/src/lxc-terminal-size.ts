/** The size that a terminal has from its beginning, in variables of the program that makes it. */
export const [COLUMNS, ROWS] = ['ROOTLESS_COLUMNS', 'ROOTLESS_ROWS'] as const
