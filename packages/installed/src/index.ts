export { cacheFolder } from './cacheFolder';
export { compareVersions } from './compareVersions';
export { type DamageCheck, DamagedEngineError, describeFile, engineDamage } from './engineDamage';
export { findOpenvino, type OpenvinoLocation, type OpenvinoSearch } from './findOpenvino';
export { findPjrt, findPjrtPlugins, type PjrtLocation, type PjrtSearch } from './findPjrt';
export {
  engineFolder,
  formatInstallRecord,
  INSTALL_RECORD,
  INSTALLABLE,
  type Installable,
  type InstalledFile,
  type InstallRecord,
  installCommand,
  installRecord,
  isThere,
} from './installedEngine';
export { type LoadingGuard, loadInstalled } from './loadInstalled';
export {
  type Cuda,
  driverFits,
  PJRT_DEVICES,
  PJRT_PLUGINS,
  type PjrtDevice,
  type PjrtPlugin,
} from './pjrtPlugins';
export { here, type Surroundings } from './surroundings';
export { BINDING, TFJS_SYMBOL } from './tensorflowLayout';
