/** After all tests: what was skipped because something is not installed, and how to get it. */
module.exports = (results) => {
  const { TESTS_MISS } = process.env;
  const tests = results.testResults.flatMap(({ testResults }) => testResults);
  const lines = Object.entries(JSON.parse(TESTS_MISS)).flatMap(([name, install]) => {
    const skipped = tests.filter(({ ancestorTitles }) => ancestorTitles.includes(`with ${name}`)).length;
    return skipped === 0 ? [] : [`  ${skipped} ${skipped === 1 ? 'needs' : 'need'} ${name}: ${install}`];
  });
  if (lines.length > 0)
    process.stderr.write(`\nSkipped tests, for want of what is not installed here:\n${lines.join('\n')}\n`);
  return results;
};
