import { signInUrl } from '../../app/session.ts';

/** Asks for the workspace, and goes to the sign-in of that workspace. */
export function SignIn() {
  return <a href={signInUrl('')}>Sign in</a>;
}
