/** Each connection costs Docker a goroutine and us a socket; as many are kept for the next question. */
const AT_ONCE = 8

/** Does the same work on each item, a few at once, and gives the results in the items' order. */
export async function mapFew<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const entries = items.entries()
  const take = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, take))
  return results
}
