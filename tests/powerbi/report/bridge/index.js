// The names that the authoring package imports. A validation calls none of them.
function absent() {
  throw new Error("Power BI Desktop cannot be driven from here");
}

export const METHODS = {};
export {
  absent as getMethodNames,
  absent as isDesktopBridgeError,
  absent as normalizeReportFolder,
  absent as openDesktop,
  absent as openSession,
  absent as readDesktopStatus,
  absent as reportFoldersEqual,
  absent as resolveInstanceForReportFolder,
  absent as resolveReportDir,
};
