import { messageOf } from '@beit/tensors';
import { useCallback, useEffect, useState } from 'react';
import { type Bundle, fetchBundle, fetched } from '../bundle';
import type { OpenModel } from '../model/useModel';
import { type Picture, readPicture } from './picture';

export interface Pictures {
  readonly samples: Bundle['samples'];
  /** The sample's file, or none. */
  readonly chosen?: string;
  readonly choose: (file: string) => void;
  readonly open: (file: File) => Promise<void>;
  /** At the sizes of the model. */
  readonly picture?: Picture;
  readonly error?: string;
  readonly clearError: () => void;
}

/** The picture that is looked at: a sample, or one that was opened; made anew for every model. */
export function usePicture(model: OpenModel | undefined): Pictures {
  const [samples, setSamples] = useState<Bundle['samples']>([]);
  const [source, setSource] = useState<{ blob: Blob; name: string; sample?: string }>();
  const [seen, setSeen] = useState<{ picture: Picture; model: OpenModel }>();
  const [error, setError] = useState<string>();

  const choose = useCallback(async (file: string, name = file) => {
    try {
      setSource({ blob: await (await fetched(file)).blob(), name, sample: file });
      setError(undefined);
    } catch (cause) {
      setError(messageOf(cause));
    }
  }, []);
  useEffect(() => {
    fetchBundle().then(
      ({ samples }) => {
        setSamples(samples);
        const first = samples[0];
        if (first) choose(first.file, first.name);
      },
      (cause) => setError(messageOf(cause)),
    );
  }, [choose]);

  useEffect(() => {
    if (!model || !source) return;
    let isWanted = true;
    readPicture(source.blob, source.name, model.facts).then(
      (picture) => isWanted && setSeen({ picture, model }),
      (cause) => isWanted && setError(messageOf(cause)),
    );
    return () => {
      isWanted = false;
    };
  }, [model, source]);
  const url = seen?.picture.url;
  useEffect(() => () => void (url && URL.revokeObjectURL(url)), [url]);

  return {
    samples,
    ...(source?.sample && { chosen: source.sample }),
    choose: (file) => choose(file, samples.find((sample) => sample.file === file)?.name),
    // Read first, so that a file that is no picture leaves the one before in its place.
    open: useCallback(
      async (file) => {
        try {
          if (model)
            await readPicture(file, file.name, model.facts).then(({ url }) => URL.revokeObjectURL(url));
          setSource({ blob: file, name: file.name });
          setError(undefined);
        } catch (cause) {
          setError(messageOf(cause));
        }
      },
      [model],
    ),
    // Sizes are those of a model: with another one the picture is made anew.
    ...(seen && seen.model === model && { picture: seen.picture }),
    error,
    clearError: useCallback(() => setError(undefined), []),
  };
}
