import { Button, FileButton, Group } from '@mantine/core';
import { bundleUrl } from '../bundle';
import type { Pictures } from '../pictures/usePicture';

/** The samples, and pictures of one's own. */
export function PicturePicker({
  samples,
  chosen,
  choose,
  onFile,
}: Pick<Pictures, 'samples' | 'chosen' | 'choose'> & { readonly onFile: (file: File) => void }) {
  return (
    <Group gap="xs" align="center">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot scroll sideways in all browsers */}
      <div className="samples" role="group" aria-label="Sample pictures">
        {samples.map(({ name, file }) => (
          <button
            key={file}
            type="button"
            className="sample"
            aria-pressed={chosen === file}
            onClick={() => choose(file)}
          >
            <img src={bundleUrl(file)} alt={name} />
          </button>
        ))}
      </div>
      <FileButton accept="image/*" onChange={(file) => file && onFile(file)}>
        {(props) => (
          <Button size="xs" variant="default" {...props}>
            Open a picture
          </Button>
        )}
      </FileButton>
    </Group>
  );
}
