import { describeSize, messageOf } from '@beit/tensors';
import {
  ActionIcon,
  Anchor,
  AppShell,
  Badge,
  Button,
  FileButton,
  Group,
  Loader,
  Stack,
  Tabs,
  Text,
  Title,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { type DragEvent, lazy, Suspense, useCallback, useState } from 'react';
import { Notice } from './components/Notice';
import { PicturePicker } from './components/PicturePicker';
import { isTokenizer } from './model/readModel';
import { useModel } from './model/useModel';
import { usePicture } from './pictures/usePicture';
import { AttentionView } from './views/AttentionView';
import { FillInView } from './views/FillInView';
import { MaskingView } from './views/MaskingView';
import { TokensView } from './views/TokensView';

// Charts are a third of the page's weight, and not what people come for first.
const RunsView = lazy(() => import('./views/RunsView').then(({ RunsView }) => ({ default: RunsView })));

const CHECKPOINT = /\.(safetensors|pth|pt|bin)$/i;

export function App() {
  const { model, error, clearError, open } = useModel();
  const pictures = usePicture(model);
  const [problem, setProblem] = useState<string>();
  const [isDropping, setDropping] = useState(false);

  const openCheckpoints = useCallback(
    async (files: readonly File[]) => {
      try {
        const read = await Promise.all(
          files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
        );
        const isOfTokenizer = ({ name, bytes }: (typeof read)[number]) =>
          name.endsWith('.safetensors') && isTokenizer(bytes);
        const encoder = read.find((file) => !isOfTokenizer(file));
        if (!encoder)
          throw new Error(
            'This is a tokenizer alone. Drop the model.safetensors of the same run together with it.',
          );
        await open(encoder, read.find(isOfTokenizer));
      } catch (cause) {
        setProblem(messageOf(cause));
      }
    },
    [open],
  );

  const take = useCallback(
    async (files: readonly File[]) => {
      setProblem(undefined);
      clearError();
      const checkpoints = files.filter(({ name }) => CHECKPOINT.test(name));
      if (checkpoints.length > 0) await openCheckpoints(checkpoints);
      else if (files[0]) await pictures.open(files[0]);
    },
    [openCheckpoints, pictures.open, clearError],
  );
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setDropping(false);
    take([...event.dataTransfer.files]);
  };

  const message = problem ?? error ?? pictures.error;
  const close = () => {
    setProblem(undefined);
    clearError();
    pictures.clearError();
  };
  return (
    <AppShell
      padding="md"
      className={isDropping ? 'dropping' : undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={onDrop}
    >
      <AppShell.Main maw={1100} mx="auto">
        <Stack gap="md">
          <Group justify="space-between" align="flex-start" wrap="nowrap">
            <div>
              <Title order={1} size="h2">
                BEiT explorer
              </Title>
              <Text c="dimmed">
                See what a BEiT attends to, how it fills in what is hidden, and its words for pictures. All is
                computed in your browser; nothing is sent anywhere.
              </Text>
            </div>
            <ColorSchemeButton />
          </Group>

          <Group gap="xs">
            {model ? (
              <>
                <Badge variant="default" size="lg" tt="none">
                  {model.name}
                </Badge>
                <Text size="sm" c="dimmed" data-testid="facts">
                  {model.facts.depth} blocks, {model.facts.numHeads} heads,{' '}
                  {describeSize(model.facts.imageSize)} pixels, {(model.facts.parameters / 1e6).toFixed(1)}{' '}
                  million parameters
                </Text>
              </>
            ) : (
              !message && (
                <Group gap="xs" role="status">
                  <Loader size="xs" />
                  <Text size="sm">Loading the model …</Text>
                </Group>
              )
            )}
            <FileButton multiple accept=".safetensors,.pth,.pt,.bin" onChange={take}>
              {(props) => (
                <Button size="xs" variant="default" {...props}>
                  Open a checkpoint
                </Button>
              )}
            </FileButton>
          </Group>

          {message && (
            <Notice title="That did not work" onClose={close}>
              {message}
            </Notice>
          )}

          <PicturePicker {...pictures} onFile={(file) => take([file])} />

          <Tabs defaultValue="attention" keepMounted={false}>
            <Tabs.List mb="md">
              <Tabs.Tab value="attention">Attention</Tabs.Tab>
              <Tabs.Tab value="fill-in">Fill in</Tabs.Tab>
              <Tabs.Tab value="tokens">Visual tokens</Tabs.Tab>
              <Tabs.Tab value="masking">Masking</Tabs.Tab>
              <Tabs.Tab value="runs">Training runs</Tabs.Tab>
            </Tabs.List>
            {model && pictures.picture && (
              <>
                <Tabs.Panel value="attention">
                  <AttentionView key={model.id} model={model} picture={pictures.picture} />
                </Tabs.Panel>
                <Tabs.Panel value="fill-in">
                  <FillInView key={model.id} model={model} picture={pictures.picture} />
                </Tabs.Panel>
                <Tabs.Panel value="tokens">
                  <TokensView key={model.id} model={model} picture={pictures.picture} />
                </Tabs.Panel>
              </>
            )}
            <Tabs.Panel value="masking">
              <MaskingView />
            </Tabs.Panel>
            <Tabs.Panel value="runs">
              <Suspense fallback={<Loader />}>
                <RunsView />
              </Suspense>
            </Tabs.Panel>
          </Tabs>

          <Text size="sm" c="dimmed" component="footer">
            BEiT: BERT pre-training of image transformers,{' '}
            <Anchor href="https://arxiv.org/abs/2106.08254" underline="always">
              arXiv 2106.08254
            </Anchor>
            . Sample pictures are drawn from Fluent Emoji (Microsoft, MIT licence).
          </Text>
        </Stack>
      </AppShell.Main>
    </AppShell>
  );
}

function ColorSchemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={`Use ${other} colours`}
      onClick={() => setColorScheme(other)}
    >
      {scheme === 'dark' ? '☀' : '☾'}
    </ActionIcon>
  );
}
