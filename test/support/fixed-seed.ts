// Before every test file: laws are tried on the same input each time, so that what fails on one
// machine fails on all, and a change is not blamed for what it has not done. New input is for
// `npm run fuzz`, which prints the seed of what it finds.
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_261_125 });
