export const dvaeParity = async (): Promise<[]> => [];
