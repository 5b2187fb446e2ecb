/** Why a line misses an aim: what a profile shows, by the line's name. The page of the benchmarks prints them. */

export const reasons: Readonly<Record<string, string>> = {};
