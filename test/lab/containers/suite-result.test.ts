import { CONTAINER_BEHAVIOURS, type Behaviour } from '@rootless-runtime/conformance'
import { describe, expect, test } from 'vitest'
import { CHOSEN_IDS } from './chosen.ts'
import { parseSuiteResult } from './suite-result.ts'

const assertion = (title: string, status: string, failureMessages: readonly string[] = []) => ({ title, status, failureMessages })
const report = (assertionResults: readonly object[], status = 'passed', message = '') =>
  JSON.stringify({
    testResults: [{ name: '/a/docker.test.js', status, message, startTime: 0, endTime: 90_000, assertionResults }],
  })

describe('what vitest wrote in a guest', () => {
  test('is one outcome for each behaviour, by its id', () => {
    const { outcomes, wrong, minutes } = parseSuiteResult(
      report([assertion('it ends [run-ends]', 'passed'), assertion('it [is] so [run-so]', 'failed', ['why'])], 'failed'),
      'docker.test.js',
      'said',
    )
    expect([...outcomes].map(([id, { status, message }]) => [id, status, message])).toEqual([
      ['run-ends', 'passed', ''],
      ['run-so', 'failed', 'why'],
    ])
    expect([wrong, minutes]).toEqual([[], 1.5])
  })

  test('tells what was left out from what passed', () => {
    const { outcomes } = parseSuiteResult(report([assertion('it ends [run-ends]', 'skipped')]), 'docker.test.js', 'said')
    expect(outcomes.get('run-ends')?.status).toBe('left out')
  })

  test.each<[string, string, string]>([
    ['that is no JSON', '', 'the suite wrote no results of docker.test.js:\nsaid'],
    ['of another file', report([]).replace('docker', 'lxc'), 'the suite wrote no results of docker.test.js:\nsaid'],
    ['of something else', '{}', 'the suite wrote no results of docker.test.js:\nsaid'],
    ['of a suite that left something', report([assertion('it [run-ends]', 'passed')], 'failed', 'left: a'), 'left: a'],
    [
      'of an engine that is not there',
      report([assertion('Docker is there', 'failed', ['gone'])], 'failed'),
      'Docker is there: gone',
    ],
  ])('is wrong as a whole when it is a report %s', (_, json, expected) => {
    expect(parseSuiteResult(json, 'docker.test.js', 'said').wrong).toEqual([expected])
  })
})

test('every chosen behaviour is there, once', () => {
  const themes = Object.values<Readonly<Record<string, Behaviour>>>(CONTAINER_BEHAVIOURS)
  const ids = new Set(themes.flatMap((theme) => Object.keys(theme)))
  expect(CHOSEN_IDS.filter((id) => !ids.has(id))).toEqual([])
  expect(new Set(CHOSEN_IDS).size).toBe(CHOSEN_IDS.length)
})
