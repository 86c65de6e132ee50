// Seeds of one configuration as one: their mean, and what lies between the smallest and the largest of them. The server
// tells which runs belong together (gradviz/experiment/grouping.py).

import { number } from "./formats.js";

/**
 * The mean, the smallest and the largest of those numbers that are there, and how many these are; null without any.
 * @param {(number | null | undefined)[]} values
 */
export function spreadOfSeeds(values) {
  const there = values.filter((value) => value !== null && value !== undefined);
  if (!there.length) return null;
  return { value: there.reduce((sum, value) => sum + value, 0) / there.length, low: Math.min(...there), high: Math.max(...there), n: there.length };
}

/** "[0.21, 0.34], n = 3": from the smallest to the largest. */
export function seedsWords({ low, high, n }, written = (value) => number(value, 3)) {
  return `[${written(low)}, ${written(high)}], n = ${n}`;
}

/**
 * The groups with those of their runs that are among `names`, where these are two or more.
 * @template {{runs: string[]}} Group
 * @param {Group[]} groups @param {string[]} names @returns {Group[]}
 */
export function groupsWithin(groups, names) {
  return groups.map((group) => ({ ...group, runs: group.runs.filter((run) => names.includes(run)) })).filter(({ runs }) => runs.length > 1);
}

/** In place of each group's first entry what stands for all of them; the other entries as they are. */
export function grouped(entries, groups, runOf, join) {
  return entries.flatMap((entry) => {
    const group = groups.find(({ runs }) => runs.includes(runOf(entry)));
    if (!group) return [entry];
    const all = entries.filter((other) => group.runs.includes(runOf(other)));
    return entry === all[0] ? [join(group, all)] : [];
  });
}

// Columns of metrics of several runs as one, over the epochs that all of them have: a mean would jump where one is missing.
export function metricsOfSeeds(all, columns) {
  const epoch = all[0].epoch.filter((one) => all.every((metrics) => metrics.epoch.includes(one)));
  const valuesAt = (column, one) => all.map((metrics) => metrics[column][metrics.epoch.indexOf(one)]);
  const spreads = Object.fromEntries(columns.map((column) => [column, epoch.map((one) => spreadOfSeeds(valuesAt(column, one)))]));
  const metrics = { epoch, ...Object.fromEntries(columns.map((column) => [column, spreads[column].map((spread) => spread?.value ?? null)])) };
  return { metrics, spreads };
}
