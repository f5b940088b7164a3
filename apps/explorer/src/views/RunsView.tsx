import { LineChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import { messageOf } from '@beit/tensors';
import { Button, FileButton, Group, SegmentedControl, Select, Stack, Table, Text } from '@mantine/core';
import { useEffect, useMemo, useState } from 'react';
import { fetchBundle, fetched } from '../bundle';
import { Notice } from '../components/Notice';
import { filesOfInput, type OpenedFile } from '../metrics/openFolder';
import { curveOf, type Metric, metricsOf, parseMetrics, type Run, readRuns } from '../metrics/readRuns';

/** Okabe and Ito's colours, which colour-blind people can tell apart; lines differ in dashes too. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#b4568f', '#56b4e9', '#e69f00'];
const DASHES = ['0', '6 3', '2 3', '8 3 2 3'];

/** Curves of several trainings, compared. */
export function RunsView() {
  const [runs, setRuns] = useState<readonly Run[]>([]);
  const [error, setError] = useState<string>();
  const [chosen, setChosen] = useState<string | null>(null);
  const [by, setBy] = useState<'step' | 'epoch'>('epoch');

  useEffect(() => {
    const bundled = async () => {
      const { runs } = await fetchBundle();
      return Promise.all(
        runs.map(async (path) => ({
          name: path.replace('/metrics.jsonl', ' of this page'),
          points: parseMetrics(await (await fetched(path)).text(), path),
        })),
      );
    };
    bundled().then(setRuns, (cause) => setError(messageOf(cause)));
  }, []);

  const metrics = useMemo(() => metricsOf(runs), [runs]);
  const metric = metrics.find((one) => keyOf(one) === chosen) ?? metrics[0];
  const curves = useMemo(
    () => (metric ? runs.map((run) => ({ name: run.name, points: curveOf(run, metric, by) })) : []),
    [runs, metric, by],
  );
  const open = async (files: readonly OpenedFile[]) => {
    if (files.length === 0) return;
    try {
      const found = await readRuns(files);
      const names = new Set(found.map(({ name }) => name));
      setRuns((before) => [...before.filter(({ name }) => !names.has(name)), ...found]);
      setError(undefined);
    } catch (cause) {
      setError(messageOf(cause));
    }
  };

  return (
    <Stack gap="md">
      <Group align="end">
        <Button component="label">
          Open a folder of runs
          <input
            type="file"
            multiple
            hidden
            data-testid="runs"
            // React knows the attribute only by this name.
            {...{ webkitdirectory: '' }}
            onChange={(event) => open(filesOfInput([...(event.currentTarget.files ?? [])]))}
          />
        </Button>
        <FileButton multiple accept=".jsonl" onChange={(files) => open(filesOfInput(files))}>
          {(props) => (
            <Button variant="default" {...props}>
              Open metrics.jsonl
            </Button>
          )}
        </FileButton>
        <Select
          label="Metric"
          data={metrics.map(keyOf)}
          value={metric ? keyOf(metric) : null}
          onChange={setChosen}
          allowDeselect={false}
        />
        <SegmentedControl
          aria-label="Horizontal axis"
          value={by}
          onChange={(value) => setBy(value as 'step' | 'epoch')}
          data={[
            { value: 'epoch', label: 'by epoch' },
            { value: 'step', label: 'by step' },
          ]}
        />
      </Group>
      {error && (
        <Notice title="These runs could not be opened" onClose={() => setError(undefined)}>
          {error}
        </Notice>
      )}
      {metric && curves.length > 0 && (
        <>
          <LineChart
            h={340}
            data={rowsOf(curves)}
            dataKey="x"
            xAxisLabel={by}
            yAxisLabel={metric.name}
            withDots={false}
            withLegend
            connectNulls
            curveType="linear"
            valueFormatter={(value) => value.toPrecision(4)}
            xAxisProps={{
              type: 'number',
              domain: ['dataMin', 'dataMax'],
              tickFormatter: (x: number) => `${+x.toPrecision(3)}`,
            }}
            yAxisProps={{ domain: ['auto', 'auto'], tickFormatter: (y: number) => `${+y.toPrecision(3)}` }}
            series={curves.map(({ name }, i) => ({
              name,
              color: COLORS[i % COLORS.length]!,
              strokeDasharray: DASHES[Math.floor(i / COLORS.length + i) % DASHES.length],
            }))}
          />
          <Table.ScrollContainer minWidth={420}>
            <Table captionSide="top">
              <Table.Caption>
                {metric.name} ({metric.kind})
              </Table.Caption>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Run</Table.Th>
                  <Table.Th>Last</Table.Th>
                  <Table.Th>Lowest</Table.Th>
                  <Table.Th>Highest</Table.Th>
                  <Table.Td />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {curves.map(({ name, points }) => (
                  <Table.Tr key={name}>
                    <Table.Th scope="row">{name}</Table.Th>
                    <Table.Td>{shown(points.at(-1)?.y)}</Table.Td>
                    <Table.Td>
                      {shown(points.length ? Math.min(...points.map(({ y }) => y)) : undefined)}
                    </Table.Td>
                    <Table.Td>
                      {shown(points.length ? Math.max(...points.map(({ y }) => y)) : undefined)}
                    </Table.Td>
                    <Table.Td>
                      <Button
                        size="compact-xs"
                        variant="default"
                        aria-label={`Close ${name}`}
                        onClick={() => setRuns((before) => before.filter((run) => run.name !== name))}
                      >
                        Close
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </>
      )}
      {runs.length === 0 && !error && <Text>No run is open.</Text>}
    </Stack>
  );
}

const keyOf = ({ kind, name }: Metric): string => `${name} (${kind})`;
const shown = (value: number | undefined): string => (value === undefined ? '' : value.toPrecision(4));

/** One row for every x of some curve, as the chart wants them. */
function rowsOf(
  curves: readonly { readonly name: string; readonly points: readonly { x: number; y: number }[] }[],
) {
  const rows = new Map<number, Record<string, number>>();
  for (const { name, points } of curves)
    for (const { x, y } of points) rows.set(x, { ...(rows.get(x) ?? { x }), [name]: y });
  return [...rows.values()].sort((a, b) => a.x! - b.x!);
}
