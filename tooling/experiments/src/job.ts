/** One run of an app: nothing here is special, so that each can be repeated by hand. */
export interface Job {
  readonly app: 'pretrain' | 'classify' | 'ade20k';
  /** Where the run is written; it is done when its results are there. */
  readonly folder: string;
  /** The file of its results in the folder. Default: results.json. */
  readonly results?: string;
  readonly args: readonly string[];
  /** Folders of the jobs that have to be done before. */
  readonly needs: readonly string[];
  /** A recipe that `args` name, to be written first. */
  readonly recipe?: { readonly path: string; readonly json: object };
}

/** The file that a job's results are in. */
export const resultsOf = ({ folder, results = 'results.json' }: Job): string => `${folder}/${results}`;
