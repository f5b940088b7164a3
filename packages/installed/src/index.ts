export { cacheFolder } from './cacheFolder';
export { compareVersions } from './compareVersions';
export { findOpenvino, type OpenvinoLocation, type OpenvinoSearch } from './findOpenvino';
export {
  engineFolder,
  INSTALL_RECORD,
  INSTALLABLE,
  type Installable,
  type InstallRecord,
  installRecord,
} from './installedEngine';
export { here, type Surroundings } from './surroundings';
export { BINDING, TFJS_SYMBOL } from './tensorflowLayout';
