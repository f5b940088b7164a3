// TensorFlow.js greets everyone who uses its CPU backend with advice to install another package.
const { warn } = console;
console.warn = (...args) => {
  if (!String(args[0]).includes('looks like you are running TensorFlow.js')) warn(...args);
};

// Tests are the same at every run.
require('fast-check').configureGlobal({ seed: 1 });
