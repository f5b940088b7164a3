/**
 * The Parquet files of a data set's repository, in the order of their names.
 *
 * @throws Error when there are none, or those of several configurations, which are other pictures or the same once more
 */
export function parquetFiles(paths: readonly string[]): string[] {
  const files = paths.filter((path) => /\.parquet$/i.test(path)).sort();
  if (files.length === 0)
    throw new Error(
      `it has no Parquet files, but ${paths.slice(0, 10).join(', ') || 'nothing'}. The Hub keeps a copy in Parquet of many data sets: @refs/convert/parquet behind the name.`,
    );
  // `CONFIG/train-00000-of-00001.parquet`, `CONFIG/train/0000.parquet`
  const isPart = /^(?:(?:partial-)?(?:train|validation|valid|val|test)|data)$/;
  const configurations = [
    ...new Set(
      files.map((file) =>
        file
          .split('/')
          .slice(0, -1)
          .filter((part) => !isPart.test(part))
          .join('/'),
      ),
    ),
  ];
  if (configurations.length > 1)
    throw new Error(
      `it has several configurations: ${configurations.join(', ')}. Fetch one (hf download, with --include) and give its folder.`,
    );
  return files;
}
