import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';

/** Navigates as what follows a write: not once the person has left the component that asked for it. */
export function useGoOn(): ReturnType<typeof useNavigate> {
  const navigate = useNavigate();
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);
  return (to) => (isShown.current ? navigate(to) : Promise.resolve());
}
