import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { lazy, StrictMode, Suspense } from 'react';
import { I18nProvider } from 'react-aria-components';
import { createRoot } from 'react-dom/client';
import { language, loadTexts } from './app/language.ts';
import { router } from './app/router.tsx';
import { applyTheme } from './app/theme.ts';
import { queryClient } from './contract/api.ts';
import './style/base.css';

const Toasts = lazy(async () => ({ default: (await import('./kit/toast.tsx')).Toasts }));

const element = document.getElementById('root');
if (!element) throw new Error('The page has no root.');
applyTheme();
await loadTexts();
createRoot(element).render(
  <StrictMode>
    <I18nProvider locale={language}>
      <QueryClientProvider client={queryClient}>
        <Suspense>
          <Toasts />
        </Suspense>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </I18nProvider>
  </StrictMode>,
);
