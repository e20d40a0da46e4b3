/** The version of rootless-runtime. A test holds it equal to the package's own. */
export const VERSION = '0.0.0'
